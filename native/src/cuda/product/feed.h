// Tiles of operands in shared memory, and the copies that fill them.
#ifndef HALFSTEP_CUDA_PRODUCT_FEED_H
#define HALFSTEP_CUDA_PRODUCT_FEED_H

#include <type_traits>

#include "cuda/product/operands.h"
#include "cuda/ptx/async_copy.h"
#include "cuda/ptx/convert.h"
#include "cuda/ptx/memory.h"
#include "cuda/ptx/warpgroup.h"

namespace hs::cuda {

// A tile for ldmatrix: kTileRows rows of kTileColumns elements. Chunks of 16 bytes are permuted
// within a row, so that the eight rows that ldmatrix reads at one column lie in different banks.
template <class T, int kTileRows, int kTileColumns>
struct alignas(128) StoredTile {
  using Element = T;
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr unsigned kChunks = kColumns / kChunkOf<T>;
  static constexpr unsigned kPeriod = 8, kPitch = kColumns;  // rows until it repeats; row pitch
  static_assert(kChunks == 2 || kChunks == 4 || kChunks % 8 == 0);
  T element[kRows * kColumns];

  HS_DEVICE T* chunk(unsigned row, unsigned at) {
    unsigned permuted = at ^ (kChunks < 8 ? row * kChunks / 8 % kChunks : row % 8);
    return element + (row * kChunks + permuted) * kChunkOf<T>;
  }
};

// A tile of 32-bit elements, which ldmatrix cannot transpose. Lanes read its elements one by one,
// eight neighbours in each of four rows at a time; padding keeps these in different banks.
template <class T, int kTileRows, int kTileColumns>
struct alignas(128) PaddedTile {
  using Element = T;
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr unsigned kPeriod = 1, kPitch = kColumns + 8;
  static_assert(sizeof(T) == 4 && kColumns % 32 == 0);
  T element[kRows * kPitch];

  HS_DEVICE T* chunk(unsigned row, unsigned at) {
    return element + row * kPitch + at * kChunkOf<T>;
  }
};

// A tile for warpgroups, in the layout of SharedOperand: rows of 128 bytes. Wider tiles are stored
// as blocks of 64 columns.
template <class T, int kTileRows, int kTileColumns>
struct alignas(1024) SwizzledTile {
  using Element = T;
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr unsigned kGroupBytes = 8 * 128, kBlockBytes = kRows * 128;
  // Rows until the permutation repeats; elements from one row of a block to the next.
  static constexpr unsigned kPeriod = 8, kPitch = 64;
  static_assert(sizeof(T) == 2 && kColumns % 64 == 0 && kRows % 8 == 0);
  T element[kRows * kColumns];

  HS_DEVICE T* chunk(unsigned row, unsigned at) {
    return element + (at / 8 * kRows + row) * 64 + (at % 8 ^ row % 8) * 8;
  }
  // The operand that begins at (row, column), both multiples of 64.
  HS_DEVICE SharedOperand operand(int row, int column) const {
    return SharedOperand(element + (column / 64 * kRows + row) * 64, kBlockBytes, kGroupBytes);
  }
};

// The tile type of an operand that warps read; kAlongK: its rows run along k. Below, the type that
// warpgroups read.
template <class T, bool kAlongK, int kOuter, int kDepth>
using WarpTile =
    std::conditional_t<kAlongK, StoredTile<T, kOuter, kDepth>,
                       std::conditional_t<sizeof(T) == 4, PaddedTile<T, kDepth, kOuter>,
                                          StoredTile<T, kDepth, kOuter>>>;

template <class T, bool kAlongK, int kOuter, int kDepth>
using WarpgroupTile =
    std::conditional_t<kAlongK, SwizzledTile<T, kOuter, kDepth>, SwizzledTile<T, kDepth, kOuter>>;

// Copies tiles of an operand to shared memory, one after another along k. The rows of a tile run
// along k if kAlongK, otherwise along `outer`; tiles begin at `first_outer`. Outside of the operand
// a tile holds zeros, except that rows beyond the last one along `outer` may hold copies of the
// last row: they only contribute to elements outside of the result, which are never stored.
// kThreads threads share the work; each copies the same places of every tile, so the part of the
// addresses that does not change from tile to tile is computed once. Copies are asynchronous and as
// wide as the alignment allows. Elements are copied one by one if that is less than 4 bytes or if
// only part of a run is valid.
template <class Tile, bool kAlongK, unsigned kThreads, class Operand>
class TileFeed {
  using T = typename Tile::Element;
  using Row = typename Operand::Row;
  using Column = typename Operand::Column;
  static constexpr int kPerChunk = kChunkOf<T>, kChunks = Tile::kColumns / kPerChunk;
  static constexpr int kRowsAtOnce = static_cast<int>(kThreads) / kChunks;
  static constexpr int kTimes = Tile::kRows / kRowsAtOnce;
  static_assert(kThreads % kChunks == 0 && Tile::kRows % kRowsAtOnce == 0);

 public:
  HS_DEVICE TileFeed(const Operand& operand, std::int64_t first_outer, unsigned thread)
      : from_(operand), outer_(first_outer), thread_(thread) {
    if constexpr (kAlongK) {
      HS_UNROLL for (int i = 0; i < kTimes; ++i) {
        row_[i] = some_row(from_, outer_ + first_row() + i * kRowsAtOnce);
        keep(row_[i]);
      }
    } else {
      column_[0] = from_.column(outer_ + first_column(), kPerChunk);
    }
  }

  HS_DEVICE void bring(Tile& tile, std::int64_t k HS_AND_CALLER) const {
    Column column;
    if constexpr (kAlongK) {
      column = from_.column(k + first_column(), kPerChunk);
      if (from_.rows == 0) column.count = 0;
    } else {
      column = column_[0];
    }
    if (from_.width != kPerChunk) {
      bring_narrow(tile, kAlongK ? outer_ : k, kAlongK ? k : outer_ HS_PASS_CALLER);
    } else if (column.count % kPerChunk != 0) {
      bring_parts(tile, kAlongK ? outer_ : k, column);
    } else if constexpr (kAlongK) {
      HS_UNROLL for (int i = 0; i < kTimes; ++i) {
        copy(tile, i, row_[i], column, true HS_PASS_CALLER);
      }
    } else {
      std::int64_t r = k + first_row();
      const std::int64_t left = from_.rows - r;
      Row row = from_.row(r);
      HS_UNROLL for (int i = 0; i < kTimes; ++i) {
        copy(tile, i, row, column, i * kRowsAtOnce < left HS_PASS_CALLER);
        row = from_.next(row, r, kRowsAtOnce);
        r += kRowsAtOnce;
      }
    }
  }

 private:
  HS_DEVICE unsigned first_row() const { return thread_ / kChunks; }
  HS_DEVICE unsigned first_column() const { return thread_ % kChunks * kPerChunk; }

  HS_DEVICE T* own_chunk(Tile& tile, int i) const {
    const auto later = static_cast<unsigned>(i * kRowsAtOnce);
    if constexpr (kRowsAtOnce % Tile::kPeriod == 0) {
      return tile.chunk(first_row(), thread_ % kChunks) + later * Tile::kPitch;
    } else {
      return tile.chunk(first_row() + later, thread_ % kChunks);
    }
  }

  // Copies a whole run with one instruction, or zeros if it is not valid.
  HS_DEVICE void copy(Tile& tile, int i, const Row& row, const Column& column,
                      bool valid HS_AND_CALLER) const {
    int count;
    const T* source = from_.run(row, column, count);
    cp_async<16>(own_chunk(tile, i), source, valid && count == kPerChunk ? 16 : 0 HS_PASS_CALLER);
  }

  // Copies runs of which only the first elements are valid: the last runs of rows.
  HS_DEVICE void bring_parts(Tile& tile, std::int64_t row, const Column& column) const {
    HS_NO_UNROLL for (int i = 0; i < kTimes; ++i) {
      const std::int64_t r = row + first_row() + i * kRowsAtOnce;
      int count;
      const T* source = from_.run(from_.row(r), column, count);
      if (r >= from_.rows) count = 0;
      T* to = own_chunk(tile, i);
      HS_NO_UNROLL for (int e = 0; e < kPerChunk; ++e) to[e] = e < count ? source[e] : T{};
    }
  }

  // Copies the tile that begins at (row, column) in runs of less than 16 bytes.
  HS_DEVICE void bring_narrow(Tile& tile, std::int64_t row,
                              std::int64_t column HS_AND_CALLER) const {
    const auto width = static_cast<unsigned>(from_.width);
    HS_NO_UNROLL for (unsigned at = thread_ * width; at < unsigned{Tile::kRows} * Tile::kColumns;
                      at += kThreads * width) {
      unsigned r = at / Tile::kColumns, c = at % Tile::kColumns;
      T* to = tile.chunk(r, c / kPerChunk) + c % kPerChunk;
      int count;
      const T* source = from_.run(from_.row(row + r), from_.column(column + c, from_.width), count);
      if (row + r >= from_.rows) count = 0;
      int size = from_.width * static_cast<int>(sizeof(T));
      int bytes = count * static_cast<int>(sizeof(T));
      if (size == 8) {
        cp_async<8>(to, source, bytes HS_PASS_CALLER);
      } else if (size == 4) {
        cp_async<4>(to, source, bytes HS_PASS_CALLER);
      } else {
        *to = count > 0 ? *source : T{};
      }
    }
  }

  const Operand& from_;
  std::int64_t outer_;
  unsigned thread_;
  Row row_[kAlongK ? kTimes : 1];
  Column column_[1];
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_FEED_H
