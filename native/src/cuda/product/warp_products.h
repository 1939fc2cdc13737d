// Products that warps compute from tiles in shared memory, on tensor cores with FP32 sums: for
// 16-bit types, and for FP32 rounded to TF32. In these templates T = float means TF32: the tiles
// hold floats, which are rounded in registers before the product.
#ifndef HALFSTEP_CUDA_PRODUCT_WARP_PRODUCTS_H
#define HALFSTEP_CUDA_PRODUCT_WARP_PRODUCTS_H

#include <type_traits>

#include "cuda/elementwise.h"
#include "cuda/product/feed.h"
#include "cuda/ptx/matrix.h"
#include "cuda/reduce.h"

namespace hs::cuda {

template <class T>
constexpr int kMmaDepth = 2 * kChunkOf<T>;  // steps of k of one mma

// The sums of a lane: its elements of the warp's blocks of 16 x 8, and `rows`, the sums of A's rows
// for the bias gradient. For 16-bit types `rows` is a product with ones, so that all its columns
// are equal; for FP32 [0] and [2] are sums of the elements of A that the lane holds.
template <int kBlocksM, int kBlocksN>
struct WarpSums {
  float block[kBlocksM][kBlocksN][4];
  float rows[kBlocksM][4];
};

// This lane's element of the 4 x 8 block at (k, outer) of a tile stored as [k, outer].
template <class Tile>
HS_DEVICE std::uint32_t lane_word(const Tile& tile, int k, int outer) {
  const auto row = static_cast<unsigned>(k) + lane_id() % 4;
  const auto column = static_cast<unsigned>(outer) + lane_id() / 4;
  return float_bits(tile.element[row * Tile::kPitch + column]);
}

// Loads the block of A at (m, k) of the tile: 16 x kMmaDepth.
template <bool kTranspose, class Tile>
HS_DEVICE void load_a(std::uint32_t (&a)[4], Tile& tile, int m, int k) {
  constexpr int kPerChunk = kChunkOf<typename Tile::Element>;
  int matrix = static_cast<int>(lane_id()) / 8, row = static_cast<int>(lane_id()) % 8;
  int at_m = m + matrix % 2 * 8, at_k = k + matrix / 2 * kPerChunk;
  if constexpr (!kTranspose) {
    ldmatrix_x4<false>(a, tile.chunk(at_m + row, at_k / kPerChunk));
  } else if constexpr (kPerChunk == 8) {
    ldmatrix_x4<true>(a, tile.chunk(at_k + row, at_m / kPerChunk));
  } else {
    HS_UNROLL for (int i = 0; i < 4; ++i) a[i] = lane_word(tile, k + i / 2 * 4, m + i % 2 * 8);
  }
}

// Loads two blocks of B, kMmaDepth x 8 each: the one at (k, n) of the tile into b[0], b[1], the one
// at (k, n + 8) into b[2], b[3].
template <bool kTranspose, class Tile>
HS_DEVICE void load_b(std::uint32_t (&b)[4], Tile& tile, int k, int n) {
  constexpr int kPerChunk = kChunkOf<typename Tile::Element>;
  int matrix = static_cast<int>(lane_id()) / 8, row = static_cast<int>(lane_id()) % 8;
  if constexpr (kTranspose) {
    int at_k = k + matrix % 2 * kPerChunk, at_n = n + matrix / 2 * 8;
    ldmatrix_x4<false>(b, tile.chunk(at_n + row, at_k / kPerChunk));
  } else if constexpr (kPerChunk == 8) {
    int at_k = k + matrix % 2 * 8, at_n = n + matrix / 2 * 8;
    ldmatrix_x4<true>(b, tile.chunk(at_k + row, at_n / kPerChunk));
  } else {
    HS_UNROLL for (int i = 0; i < 4; ++i) b[i] = lane_word(tile, k + i % 2 * 4, n + i / 2 * 8);
  }
}

// c += a b, with operands as load_a and load_b return them; if T is float, they must be rounded.
template <class T>
HS_DEVICE void multiply_blocks(float (&c)[4], const std::uint32_t (&a)[4],
                               const std::uint32_t (&b)[2]) {
  if constexpr (std::is_same_v<T, float>) {
    mma_m16n8k8_tf32(c, a, b);
  } else {
    mma_m16n8k16<T>(c, a, b);
  }
}

// Adds a block of A, before rounding, to the sums of its rows.
template <class T>
HS_DEVICE void add_rows(float (&rows)[4], const std::uint32_t (&a)[4]) {
  if constexpr (std::is_same_v<T, float>) {
    rows[0] += float_from_bits(a[0]) + float_from_bits(a[2]);
    rows[2] += float_from_bits(a[1]) + float_from_bits(a[3]);
  } else {
    constexpr std::uint32_t kTwoOnes = std::is_same_v<T, Bf16> ? 0x3f803f80u : 0x3c003c00u;
    mma_m16n8k16<T>(rows, a, {kTwoOnes, kTwoOnes});
  }
}

template <int kBlocks>
HS_DEVICE void round_all(std::uint32_t (&block)[kBlocks][4]) {
  HS_UNROLL for (auto& words : block) {
    HS_UNROLL for (std::uint32_t& word : words) word = round_to_tf32(word);
  }
}

// The sum of a row of A. If T is float, it is added up from this lane's part and those of its three
// neighbours.
template <class T>
HS_DEVICE float row_sum(float part) {
  return std::is_same_v<T, float> ? group_reduce<4>(part, Sum<float>{}) : part;
}

// Multiplies the tiles of a stage, which are kDepth deep, for the warp whose part of the result
// begins at (warp_m, warp_n).
template <class T, bool kTransposeA, bool kTransposeB, int kDepth, int kBlocksM, int kBlocksN,
          class Stage>
HS_DEVICE void multiply_stage(WarpSums<kBlocksM, kBlocksN>& sums, Stage& stage, int warp_m,
                              int warp_n, bool sum_rows) {
  HS_UNROLL for (int k = 0; k < kDepth; k += kMmaDepth<T>) {
    std::uint32_t a[kBlocksM][4], b[kBlocksN / 2][4];
    HS_UNROLL for (int i = 0; i < kBlocksM; ++i) {
      load_a<kTransposeA>(a[i], stage.a, warp_m + 16 * i, k);
    }
    HS_UNROLL for (int j = 0; j < kBlocksN / 2; ++j) {
      load_b<kTransposeB>(b[j], stage.b, k, warp_n + 16 * j);
    }
    if (sum_rows) {
      HS_UNROLL for (int i = 0; i < kBlocksM; ++i) add_rows<T>(sums.rows[i], a[i]);
    }
    if constexpr (std::is_same_v<T, float>) {
      round_all(a);
      round_all(b);
    }
    HS_UNROLL for (int i = 0; i < kBlocksM; ++i) {
      HS_UNROLL for (int j = 0; j < kBlocksN; ++j) {
        multiply_blocks<T>(sums.block[i][j], a[i], {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]});
      }
    }
  }
}

// Stores a warp's sums in the result; the lane's first element is at (row, column).
template <class Result, int kBlocksM, int kBlocksN>
HS_DEVICE void store_sums(Result& result, const WarpSums<kBlocksM, kBlocksN>& sums, int row,
                          int column) {
  HS_UNROLL for (int i = 0; i < kBlocksM; ++i) {
    HS_UNROLL for (int j = 0; j < kBlocksN; ++j) {
      const auto& block = sums.block[i][j];
      float* upper = result.at(row + 16 * i, column + 8 * j);
      float* lower = result.at(row + 16 * i + 8, column + 8 * j);
      store(upper, Vector<float, 2>{{block[0], block[1]}});
      store(lower, Vector<float, 2>{{block[2], block[3]}});
    }
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_WARP_PRODUCTS_H
