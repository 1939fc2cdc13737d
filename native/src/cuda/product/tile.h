// The tiles that blocks compute, as constants that the choice (choose.h) and the kernels share.
#ifndef HALFSTEP_CUDA_PRODUCT_TILE_H
#define HALFSTEP_CUDA_PRODUCT_TILE_H

#include <cstddef>

namespace hs::cuda {

// The engine that computes a block's tile: FMA on windows of few values (direct), a warp for each
// small matrix (packed), tensor cores with warpgroups (wgmma) or with warps (mma), FMA (fma).
enum class Engine { kDirect, kPacked, kWgmma, kMma, kFma };

// A block computes m x n elements of C. It loops over the depth in steps of k, with `stages`
// buffers in shared memory. units_m x units_n units of the engine share the tile: warpgroups
// (wgmma), threads (fma) or warps (all others; in packed each warp has its own matrix). `blocks`
// blocks fit on a multiprocessor with their registers and shared memory.
struct TileSpec {
  Engine engine;
  int m, n, k;
  int units_m, units_n;
  int stages;
  int blocks;

  constexpr bool operator==(const TileSpec&) const = default;
};

// wgmma. A larger tile reads less per product that it computes; but fewer of them fit on a
// multiprocessor, so that less other work overlaps while one begins or ends. Tall and flat tiles
// are for products with few columns or rows.
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

// mma, for operands of kElementBytes per element; 64 bytes of k per step.
template <std::size_t kElementBytes>
struct MmaLarge {
  static constexpr TileSpec kSpec{Engine::kMma, 128, 128, 64 / int{kElementBytes}, 2, 4, 4, 1};
};
template <std::size_t kElementBytes>
struct MmaSmall {
  static constexpr TileSpec kSpec{Engine::kMma, 64, 64, 64 / int{kElementBytes}, 2, 2, 4, 3};
};

// fma: 16 x 16 threads, each of which copies four elements of A and of B to a stage.
struct FmaLarge {
  static constexpr TileSpec kSpec{Engine::kFma, 128, 128, 8, 16, 16, 2, 1};
};
struct FmaSmall {
  static constexpr TileSpec kSpec{Engine::kFma, 64, 64, 16, 16, 16, 2, 2};
};

// packed: one matrix per warp, of up to 16, 32 or 64 rows and columns. The blocks need 32, 48 and
// 96 KB of shared memory each; a multiprocessor has 164 KB or more.
struct Packed16 {
  static constexpr TileSpec kSpec{Engine::kPacked, 16, 16, 16, 8, 1, 4, 6};
};
struct Packed32 {
  static constexpr TileSpec kSpec{Engine::kPacked, 32, 32, 32, 4, 1, 3, 4};
};
struct Packed64 {
  static constexpr TileSpec kSpec{Engine::kPacked, 64, 64, 64, 2, 1, 3, 2};
};

// direct: windows of up to kDepth values, 32 pixels per warp. In the forward pass the tile is
// [pixels, channels]; for the gradient of the weights it is [channels, values of a window], summed
// over the pixels.
constexpr int kTilePixels = 32;
template <int kDepth>
struct DirectForward {
  static constexpr TileSpec kSpec{Engine::kDirect, 4 * kTilePixels, 64, kDepth, 4, 1, 1, 5};
};
template <int kDepth>
struct DirectWeights {
  static constexpr TileSpec kSpec{Engine::kDirect, 32, kDepth, 16 * kTilePixels, 16, 1, 1, 1};
};

// Floats from one window's row to the next in shared memory: an odd number of accesses of 16 bytes,
// so that neighbouring rows lie in different banks.
constexpr int direct_row(int depth) {
  const int accesses = (depth + 3) / 4;
  return (accesses % 2 == 1 ? accesses : accesses + 1) * 4;
}

template <int kDepth>
constexpr int kDirectRow = direct_row(kDepth);  // for kernels, which cannot call host functions

constexpr bool is_direct_forward(const TileSpec& t) { return t.k < t.m; }

constexpr unsigned threads_of(const TileSpec& t) {
  const int of_unit = t.engine == Engine::kWgmma ? 128 : t.engine == Engine::kFma ? 1 : 32;
  return static_cast<unsigned>(t.units_m * t.units_n * of_unit);
}

// The constants of a tile, for kernels.
template <class Tile>
struct TileConstants {
  static constexpr TileSpec kSpec = Tile::kSpec;
  static constexpr int kM = kSpec.m, kN = kSpec.n, kK = kSpec.k, kStages = kSpec.stages;
  static constexpr unsigned kThreads = threads_of(kSpec);
  static constexpr int kBlocks = kSpec.blocks;
};

// The number of floats that a thread accumulates: its elements of the tile, and sums of A's rows
// for the bias gradient.
constexpr int sums_of_thread(const TileSpec& t) {
  switch (t.engine) {
    case Engine::kWgmma:  // 64 rows per warpgroup
      return t.n / t.units_n / 2 + 4;
    case Engine::kMma:  // blocks of 16 x 8, of each of which a thread has four elements
      return t.m / t.units_m / 16 * (t.n / t.units_n / 8 * 4 + 4);
    default:
      return t.m / t.units_m * (t.n / t.units_n) + 1;
  }
}

// The bytes of sums that each block writes to the workspace if blocks share the depth.
constexpr std::size_t partial_bytes(const TileSpec& t) {
  const int sums = t.engine == Engine::kDirect
                       ? t.m * (t.n + 1)  // weights and bias
                       : static_cast<int>(threads_of(t)) * sums_of_thread(t);
  return sizeof(float) * static_cast<std::size_t>(sums);
}

// The bytes of shared memory of a block, for operands of `element` bytes per element; A is stored
// [k, m] if transpose_a, B [n, k] if transpose_b. Static assertions check that the kernels'
// structures have this size.
constexpr std::size_t shared_bytes(const TileSpec& t, std::size_t element, bool transpose_a,
                                   bool transpose_b) {
  const auto m = static_cast<std::size_t>(t.m), n = static_cast<std::size_t>(t.n);
  const auto k = static_cast<std::size_t>(t.k), stages = static_cast<std::size_t>(t.stages);
  const auto warps = static_cast<std::size_t>(t.units_m * t.units_n);
  const std::size_t result = m * n * sizeof(float);
  const auto larger = [](std::size_t a, std::size_t b) { return a > b ? a : b; };
  switch (t.engine) {
    case Engine::kWgmma:  // stages or result, then a tile of ones and one word
      return larger(stages * (m + n) * k * element, result) + 1024 + 1024;
    case Engine::kMma: {
      // Rows of 4-byte elements that do not run along k are padded.
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
      // The taps of a window, each warp's windows, and the weights (forward) or a word.
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
