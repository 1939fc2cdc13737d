// The gradients of weights and bias of a convolution with few input channels; see engine_direct.h.
#ifndef HALFSTEP_CUDA_PRODUCT_DIRECT_WEIGHTS_H
#define HALFSTEP_CUDA_PRODUCT_DIRECT_WEIGHTS_H

#include "core/kernels.h"
#include "cuda/product/direct_windows.h"
#include "cuda/product/epilogue.h"
#include "cuda/reduce.h"

namespace hs::cuda {

// The number of channels of a lane, limited by the registers for its sums.
template <int kDepth>
constexpr int kOwned = kDepth <= 12   ? 4
                       : kDepth <= 27 ? 2
                                      : 1;

template <class Tile>
struct WeightsShared {
  static constexpr int kDepth = Tile::kSpec.n;
  Tap taps[kDepth];
  // For each warp: the windows of a tile, and in the end the warp's sums. In the last block to
  // finish: sums over some of the blocks.
  alignas(16) float of_warp[Tile::kSpec.units_m][kTilePixels * kDirectRow<kDepth>];
  unsigned last;
};

// Computes dy [pixels, channels]^T x windows.
template <class T, class Tile>
HS_KERNEL void __launch_bounds__(TileConstants<Tile>::kThreads, TileConstants<Tile>::kBlocks)
    sum_weights_directly(const MatmulArgs args, const Window window, void* workspace) {
  constexpr int kDepth = Tile::kSpec.n, kWarps = Tile::kSpec.units_m;
  constexpr int kBlockChannels = Tile::kSpec.m, kRow = kDirectRow<kDepth>;
  // Sums of a block: for each value of the window, and then for the bias, one for each channel.
  constexpr int kSums = (kDepth + 1) * kBlockChannels;
  auto& shared = shared_memory<WeightsShared<Tile>>();
  constexpr int kChannels = kOwned<kDepth>;
  constexpr unsigned kLanes = kBlockChannels / kChannels;  // lanes that share a pixel
  constexpr int kAtOnce = kWarpSize / kLanes;              // pixels that a warp handles at once
  constexpr int kSteps = kTilePixels / kAtOnce;
  static_assert(kSums <= kTilePixels * kRow);
  const hs_matmul_desc& desc = args.desc;
  const auto depth = static_cast<int>(desc.n);
  const std::int64_t pixels = desc.k;
  put_taps(window, depth, shared.taps);
  __syncthreads();

  const std::int64_t first_column = std::int64_t{blockIdx.y} * kBlockChannels;
  const int own = static_cast<int>(lane_id() % kLanes) * kChannels;
  const int pixel_of_step = static_cast<int>(lane_id() / kLanes);
  const std::int64_t left = desc.m - first_column - own;
  const int count = left < 0 ? 0 : left < kChannels ? static_cast<int>(left) : kChannels;
  auto* dy = static_cast<const T*>(args.a) + first_column + own;
  using Owned = Vector<T, kChannels>;
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(args.a) % sizeof(Owned) == 0 && desc.lda % kChannels == 0;

  float* windows = shared.of_warp[warp_id()];
  float sums[kDepth][kChannels] = {}, bias_sums[kChannels] = {};
  const std::int64_t step = std::int64_t{gridDim.x} * kWarps * kTilePixels;
  for (std::int64_t tile = (std::int64_t{warp_id()} * gridDim.x + blockIdx.x) * kTilePixels;
       tile < pixels; tile += step) {
    Owned found[kSteps] = {};
    HS_UNROLL for (int i = 0; i < kSteps; ++i) {
      const std::int64_t pixel = tile + i * kAtOnce + pixel_of_step;
      if (pixel >= pixels || count == 0) continue;
      const T* from = dy + pixel * desc.lda;
      if (aligned) {
        found[i] = load<Owned>(from);
      } else {
        HS_UNROLL for (int c = 0; c < kChannels; ++c) {
          if (c < count) found[i].at[c] = from[c];
        }
      }
    }
    put_window(window, static_cast<const T*>(args.b), tile + lane_id(), pixels, shared.taps,
               windows + lane_id() * kRow);
    __syncwarp();
    HS_UNROLL for (int i = 0; i < kSteps; ++i) {
      const float* row = windows + (i * kAtOnce + pixel_of_step) * kRow;
      float g[kChannels];
      HS_UNROLL for (int c = 0; c < kChannels; ++c) {
        g[c] = to_float(found[i].at[c]);
        bias_sums[c] += g[c];
      }
      HS_UNROLL for (int d = 0; d < kDepth; d += 4) {
        float x[4];
        load_elements(row + d, x);
        HS_UNROLL for (int e = 0; e < 4; ++e) {
          if (d + e >= kDepth) continue;
          HS_UNROLL for (int c = 0; c < kChannels; ++c) sums[d + e][c] += g[c] * x[e];
        }
      }
    }
    __syncwarp();  // the next windows, or the sums, overwrite these
  }

  // Adds the sums up over the pixels of a warp, then over the warps of the block.
  HS_UNROLL for (int d = 0; d <= kDepth; ++d) {
    float sum[kChannels];
    HS_UNROLL for (int c = 0; c < kChannels; ++c) {
      sum[c] = d < kDepth ? sums[d < kDepth ? d : 0][c] : bias_sums[c];
      HS_UNROLL for (unsigned lanes = kLanes; lanes < kWarpSize; lanes *= 2) {
        sum[c] += shuffle_xor(sum[c], lanes);
      }
    }
    if (lane_id() < kLanes) store_elements(windows + d * kBlockChannels + own, sum);
  }
  __syncthreads();
  auto* grid = static_cast<GridWorkspace*>(workspace);
  float* partials = grid->template partials<float>() + std::int64_t{blockIdx.y} * gridDim.x * kSums;
  for (int i = static_cast<int>(threadIdx.x); i < kSums; i += kWarps * kWarpSize) {
    float sum = 0;
    HS_UNROLL for (const float(&of_warp)[kTilePixels * kRow] : shared.of_warp) {
      sum += of_warp[i];
    }
    partials[std::int64_t{blockIdx.x} * kSums + i] = sum;
  }
  if (!last_to_finish(grid->counters[blockIdx.y], gridDim.x, shared.last)) return;

  // Adds the sums of all blocks up. A thread adds four sums of every kParts-th block, with
  // kInFlight loads in flight.
  using Four = Vector<float, 4>;
  constexpr int kFours = kSums / 4;
  constexpr int kParts = kWarps * static_cast<int>(kWarpSize) / kFours;
  constexpr int kInFlight = 8;
  static_assert(kParts >= 1 && kParts <= kWarps);
  const int part = static_cast<int>(threadIdx.x) / kFours;
  const int four = static_cast<int>(threadIdx.x) % kFours * 4;
  const auto blocks = static_cast<int>(gridDim.x);
  if (part < kParts) {
    float sum[4] = {};
    for (int block = part; block < blocks; block += kParts * kInFlight) {
      Four more[kInFlight] = {};
      HS_UNROLL for (int i = 0; i < kInFlight; ++i) {
        const int other = block + i * kParts;
        if (other >= blocks) continue;
        const float* from = partials + std::int64_t{other} * kSums + four;
        more[i] = load_from_l2(reinterpret_cast<const Four*>(from));
      }
      HS_UNROLL for (const Four& of_block : more) {
        HS_UNROLL for (int e = 0; e < 4; ++e) sum[e] += of_block.at[e];
      }
    }
    store_elements(&shared.of_warp[part][four], sum);
  }
  __syncthreads();
  auto* d_weights = static_cast<float*>(args.c);
  for (int i = static_cast<int>(threadIdx.x); i < kSums; i += kWarps * kWarpSize) {
    const int d = i / kBlockChannels;
    const std::int64_t channel = first_column + i % kBlockChannels;
    if (channel >= desc.m) continue;
    float sum = 0;
    HS_UNROLL for (int p = 0; p < kParts; ++p) sum += shared.of_warp[p][i];
    if (d < depth) {
      float& to = d_weights[channel * depth + d];
      to = desc.beta != 0 ? sum + desc.beta * to : sum;
    }
    if (d == kDepth && args.bias_grad != nullptr) put_bias_grad(args, args.bias_grad, channel, sum);
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_DIRECT_WEIGHTS_H
