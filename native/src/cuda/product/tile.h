// The tiles of a product that blocks compute, as constants that the choice (choose.h) and the kernels
// share.
#ifndef HALFSTEP_CUDA_PRODUCT_TILE_H
#define HALFSTEP_CUDA_PRODUCT_TILE_H

#include <cstddef>

namespace hs::cuda {

// What computes a block's tile: FMA on windows of few values (direct), a warp for each small matrix
// (packed), tensor cores by warpgroups (wgmma) or by warps (mma), FMA by threads (fma).
enum class Engine { kDirect, kPacked, kWgmma, kMma, kFma };

// A block computes m x n elements of C and takes k of the depth at a time, through `stages` buffers
// in shared memory. units_m x units_n units of the engine share the tile: warpgroups (wgmma), threads
// (fma) or warps (all others; packed: each has a matrix of its own). A multiprocessor has registers
// and shared memory for `blocks` blocks.
struct TileSpec {
  Engine engine;
  int m, n, k;
  int units_m, units_n;
  int stages;
  int blocks;

  constexpr bool operator==(const TileSpec&) const = default;
};

// wgmma. The larger a tile, the less it reads for what it computes; but a multiprocessor has room for
// few of them, and nobody else works while one begins or ends. Tall and flat ones are for products of
// few columns or rows.
struct WgmmaWide {
  static constexpr TileSpec kSpec{Engine::kWgmma, 128, 256, 64, 2, 1, 4, 1};
};
struct WgmmaMedium {
  static constexpr TileSpec kSpec{Engine::kWgmma, 128, 128, 64, 2, 1, 3, 2};
};
struct WgmmaTall {
  static constexpr TileSpec kSpec{Engine::kWgmma, 128, 64, 64, 2, 1, 4, 2};
};
struct WgmmaFlat {
  static constexpr TileSpec kSpec{Engine::kWgmma, 64, 256, 64, 1, 2, 4, 1};
};
struct WgmmaLittle {
  static constexpr TileSpec kSpec{Engine::kWgmma, 64, 64, 64, 1, 1, 3, 4};
};

// mma: of operands of kElementBytes, 64 bytes of k at a time.
template <std::size_t kElementBytes>
struct MmaLarge {
  static constexpr TileSpec kSpec{Engine::kMma, 128, 128, 64 / int{kElementBytes}, 2, 4, 4, 1};
};
template <std::size_t kElementBytes>
struct MmaSmall {
  static constexpr TileSpec kSpec{Engine::kMma, 64, 64, 64 / int{kElementBytes}, 2, 2, 4, 3};
};

// fma: 16 x 16 threads, each of which brings four elements of A and of B to a stage.
struct FmaLarge {
  static constexpr TileSpec kSpec{Engine::kFma, 128, 128, 8, 16, 16, 2, 1};
};
struct FmaSmall {
  static constexpr TileSpec kSpec{Engine::kFma, 64, 64, 16, 16, 16, 2, 2};
};

// packed: matrices of up to so many rows and columns, one a warp. A multiprocessor's shared memory, of
// 164 KB or more, holds the blocks: 32, 48 and 96 KB each.
struct Packed16 {
  static constexpr TileSpec kSpec{Engine::kPacked, 16, 16, 16, 8, 1, 4, 6};
};
struct Packed32 {
  static constexpr TileSpec kSpec{Engine::kPacked, 32, 32, 32, 4, 1, 3, 4};
};
struct Packed64 {
  static constexpr TileSpec kSpec{Engine::kPacked, 64, 64, 64, 2, 1, 3, 2};
};

// direct: windows of up to kDepth values, 32 pixels a warp. Forward the tile is [pixels, channels];
// for the gradient of the weights [channels, values of a window], summed over the pixels.
constexpr int kTilePixels = 32;
template <int kDepth>
struct DirectForward {
  static constexpr TileSpec kSpec{Engine::kDirect, 4 * kTilePixels, 64, kDepth, 4, 1, 1, 5};
};
template <int kDepth>
struct DirectWeights {
  static constexpr TileSpec kSpec{Engine::kDirect, 32, kDepth, 16 * kTilePixels, 16, 1, 1, 1};
};

// Floats of a window's row in shared memory: whole accesses of 16 bytes, an odd number of them, so
// that neighbouring rows lie in different banks.
constexpr int direct_row(int depth) {
  const int accesses = (depth + 3) / 4;
  return (accesses % 2 == 1 ? accesses : accesses + 1) * 4;
}

template <int kDepth>
constexpr int kDirectRow = direct_row(kDepth);  // for the kernels, which cannot call the function

constexpr bool is_direct_forward(const TileSpec& t) { return t.k < t.m; }

constexpr unsigned threads_of(const TileSpec& t) {
  const int of_unit = t.engine == Engine::kWgmma ? 128 : t.engine == Engine::kFma ? 1 : 32;
  return static_cast<unsigned>(t.units_m * t.units_n * of_unit);
}

// A tile's constants, for kernels.
template <class Tile>
struct TileConstants {
  static constexpr TileSpec kSpec = Tile::kSpec;
  static constexpr int kM = kSpec.m, kN = kSpec.n, kK = kSpec.k, kStages = kSpec.stages;
  static constexpr unsigned kThreads = threads_of(kSpec);
  static constexpr int kBlocks = kSpec.blocks;
};

// The floats that a thread accumulates: its elements of the tile, and sums of A's rows for the bias
// gradient.
constexpr int sums_of_thread(const TileSpec& t) {
  switch (t.engine) {
    case Engine::kWgmma:  // 64 rows a warpgroup
      return t.n / t.units_n / 2 + 4;
    case Engine::kMma:  // blocks of 16 x 8, four elements of each
      return t.m / t.units_m / 16 * (t.n / t.units_n / 8 * 4 + 4);
    default:
      return t.m / t.units_m * (t.n / t.units_n) + 1;
  }
}

// The bytes of sums that a block leaves for the last one where blocks share the depth.
constexpr std::size_t partial_bytes(const TileSpec& t) {
  const int sums = t.engine == Engine::kDirect
                       ? t.m * (t.n + 1)  // weights and bias
                       : static_cast<int>(threads_of(t)) * sums_of_thread(t);
  return sizeof(float) * static_cast<std::size_t>(sums);
}

// The shared memory of a block, for operands of `element` bytes; A is stored [k, m] if transpose_a, B
// [n, k] if transpose_b. The kernels' structures are checked against it.
constexpr std::size_t shared_bytes(const TileSpec& t, std::size_t element, bool transpose_a,
                                   bool transpose_b) {
  const auto m = static_cast<std::size_t>(t.m), n = static_cast<std::size_t>(t.n);
  const auto k = static_cast<std::size_t>(t.k), stages = static_cast<std::size_t>(t.stages);
  const auto warps = static_cast<std::size_t>(t.units_m * t.units_n);
  const std::size_t result = m * n * sizeof(float);
  const auto larger = [](std::size_t a, std::size_t b) { return a > b ? a : b; };
  switch (t.engine) {
    case Engine::kWgmma:  // and a tile of ones, and a word
      return larger(stages * (m + n) * k * element, result) + 1024 + 1024;
    case Engine::kMma: {
      // Rows of four-byte elements that do not run along k are padded.
      const std::size_t padding = element == 4 ? 8 : 0;
      const std::size_t a = transpose_a ? k * (m + padding) : m * k;
      const std::size_t b = transpose_b ? n * k : k * (n + padding);
      return larger(stages * (a + b) * element, result) + 128;
    }
    case Engine::kFma:
      return larger(stages * k * (m + n + 8) * element, result) + sizeof(unsigned);
    case Engine::kPacked:
      return warps * stages * larger((m + n) * k * element, result);
    default: {
      // Places of the values of a window, each warp's windows, and the weights or a word.
      const bool forward = is_direct_forward(t);
      const int depth = forward ? t.k : t.n;
      const auto values = static_cast<std::size_t>(depth);
      const auto row = static_cast<std::size_t>(direct_row(depth));
      return values * 16 + warps * kTilePixels * row * sizeof(float) +
             (forward ? (values + 1) * n * sizeof(float) : 16);
    }
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_TILE_H
