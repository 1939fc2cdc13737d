// The forward pass of a convolution with few input channels; see engine_direct.h.
#ifndef HALFSTEP_CUDA_PRODUCT_DIRECT_FORWARD_H
#define HALFSTEP_CUDA_PRODUCT_DIRECT_FORWARD_H

#include "core/kernels.h"
#include "cuda/activation_math.h"
#include "cuda/product/direct_windows.h"

namespace hs::cuda {

constexpr int kPixelsOfLane = 4;

template <class Tile>
struct ForwardShared {
  static constexpr int kDepth = Tile::kSpec.k;
  Tap taps[kDepth];
  alignas(16) float weights[kDepth + 1][Tile::kSpec.n];  // the last row is the bias
  alignas(16) float windows[Tile::kSpec.units_m][kTilePixels * kDirectRow<kDepth>];
};

// Stores `count` values of x; `whole`: count is kChunk and the address is aligned.
template <class T>
HS_DEVICE void put_outputs(void* array, std::int64_t at, const float (&x)[kChunk], int count,
                           bool whole) {
  T* to = static_cast<T*>(array) + at;
  if (whole) return store_elements_whole(to, x);
  HS_UNROLL for (int e = 0; e < kChunk; ++e) {
    if (e < count) to[e] = from_float<T>(x[e]);
  }
}

// Computes the outputs. `groups` is the number of groups of kChunk channels of a block.
template <class T, class Tile>
HS_KERNEL void __launch_bounds__(TileConstants<Tile>::kThreads, TileConstants<Tile>::kBlocks)
    convolve_directly(const MatmulArgs args, const Window window, const Divisor groups) {
  constexpr int kDepth = Tile::kSpec.k, kWarps = Tile::kSpec.units_m, kChannels = Tile::kSpec.n;
  constexpr int kRow = kDirectRow<kDepth>, kSlots = kTilePixels / kPixelsOfLane;
  auto& shared = shared_memory<ForwardShared<Tile>>();
  const hs_matmul_desc& desc = args.desc;
  const auto depth = static_cast<int>(desc.k);
  const std::int64_t first_column = std::int64_t{blockIdx.y} * kChannels;
  const auto columns = static_cast<int>(desc.n - first_column);  // from its first one on
  auto* weights = static_cast<const T*>(args.b) + first_column * depth;
  for (unsigned i = threadIdx.x; i < (kDepth + 1) * kChannels; i += blockDim.x) {
    const int d = static_cast<int>(i) / kChannels, c = static_cast<int>(i) % kChannels;
    float value = 0;
    if (c < columns && d < depth) value = to_float(weights[c * depth + d]);
    if (c < columns && d == kDepth && args.bias != nullptr) value = args.bias[first_column + c];
    shared.weights[d][c] = value;
  }
  put_taps(window, depth, shared.taps);
  __syncthreads();

  const auto addresses =
      reinterpret_cast<std::uintptr_t>(args.c) | reinterpret_cast<std::uintptr_t>(args.aux);
  const bool aligned = addresses % 16 == 0 && desc.ldc % kChunk == 0;
  float* windows = shared.windows[warp_id()];
  const std::int64_t step = std::int64_t{gridDim.x} * kWarps * kTilePixels;
  for (std::int64_t tile = (std::int64_t{warp_id()} * gridDim.x + blockIdx.x) * kTilePixels;
       tile < desc.m; tile += step) {
    put_window(window, static_cast<const T*>(args.a), tile + lane_id(), desc.m, shared.taps,
               windows + lane_id() * kRow);
    __syncwarp();
    // Distributes the work so that a warp's stores cover neighbouring pixels.
    for (unsigned i = lane_id(); i < kSlots * groups.value; i += kWarpSize) {
      unsigned group;
      const unsigned slot = groups.quotient(i, group);
      const int column = static_cast<int>(group) * kChunk;
      if (column >= columns) continue;
      float sum[kPixelsOfLane][kChunk] = {};
      HS_UNROLL for (int d = 0; d < kDepth; d += 4) {
        float x[kPixelsOfLane][4];
        HS_UNROLL for (int p = 0; p < kPixelsOfLane; ++p) {
          load_elements(windows + (static_cast<int>(slot) + p * kSlots) * kRow + d, x[p]);
        }
        HS_UNROLL for (int e = 0; e < 4; ++e) {
          if (d + e >= kDepth) continue;
          float w[kChunk];
          load_elements(&shared.weights[d + e][column], w);
          HS_UNROLL for (int p = 0; p < kPixelsOfLane; ++p) {
            HS_UNROLL for (int c = 0; c < kChunk; ++c) sum[p][c] += x[p][e] * w[c];
          }
        }
      }
      float bias[kChunk];
      load_elements(&shared.weights[kDepth][column], bias);
      const int count = columns - column < kChunk ? columns - column : kChunk;
      HS_UNROLL for (int p = 0; p < kPixelsOfLane; ++p) {
        const std::int64_t pixel = tile + slot + p * kSlots;
        if (pixel >= desc.m) continue;
        const std::int64_t at = pixel * desc.ldc + first_column + column;
        HS_UNROLL for (int c = 0; c < kChunk; ++c) sum[p][c] += bias[c];
        if (args.aux != nullptr) put_outputs<T>(args.aux, at, sum[p], count, aligned);
        HS_UNROLL for (float& e : sum[p]) e = activate(desc.activation, e);
        put_outputs<T>(args.c, at, sum[p], count, aligned);
      }
    }
    __syncwarp();  // the next windows overwrite these
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_DIRECT_FORWARD_H
