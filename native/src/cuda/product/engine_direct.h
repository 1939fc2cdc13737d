// direct: the forward pass of a convolution with few input channels, such as a network's first
// layer, and its gradients of weights and bias. It handles one group and windows of at most 32
// values.
//
// FLOPs: 2 n p q k r s c each, by FMA in FP32 whatever the type (even if TF32 is allowed). Bytes:
// x, weights and y (or dy) once. Floor: bytes / bandwidth for the smallest windows, FLOPs / rate of
// the FMA units for the others. Design: warps share only the weights. The lanes of a warp copy the
// windows of 32 pixels, one window per lane, to the warp's part of shared memory, as rows of FP32
// with zeros for the padding. The loops over a window then have a constant number of iterations.
// Forward: a lane holds the sums of 4 pixels x 8 channels in registers and reads windows and
// weights from shared memory, 16 bytes at a time; the warp writes neighbouring pixels of y.
// Gradients: a lane handles a few channels of dy, with the sums for all taps in registers, and some
// of the pixels of the tile; it loads their dy before it copies the windows. Sums of warps are
// added in shared memory, sums of blocks by the last block to finish, through the workspace, both
// in a fixed order. One block per multiprocessor keeps the latter short. Measured
// (benchmarks/results/hopper-2026-11-27) in the CNN's step of 256, H200, BF16: 581 us before, 264
// with both of these and other tiles for the rest.
#ifndef HALFSTEP_CUDA_PRODUCT_ENGINE_DIRECT_H
#define HALFSTEP_CUDA_PRODUCT_ENGINE_DIRECT_H

#include "cuda/product/direct_forward.h"
#include "cuda/product/direct_weights.h"
#include "cuda/product/kernel.h"

namespace hs::cuda {

template <class T>
struct Direct {
  template <class>
  static hs_status run(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args,
                       const ConvParameters& conv) {
    void* workspace = nullptr;
    const hs_status status = reserve_workspace(stream, plan.workspace_bytes, &workspace);
    if (status != HS_OK) return status;
    const LaunchShape shape{.name = "convolve_directly",
                            .grid = {static_cast<unsigned>(plan.blocks), plan.columns_of_blocks},
                            .block = {threads_of(plan.tile)},
                            .shared_bytes = plan.shared_bytes};
    return with_tile<DirectForward<9>, DirectForward<27>, DirectForward<32>, DirectWeights<9>,
                     DirectWeights<27>, DirectWeights<32>>(plan, [&](auto tile) {
      using Tile = decltype(tile);
      if constexpr (is_direct_forward(Tile::kSpec)) {
        static_assert(sizeof(ForwardShared<Tile>) ==
                      shared_bytes(Tile::kSpec, sizeof(T), false, true));
        constexpr std::int64_t kMost = Tile::kSpec.n;
        const std::int64_t columns = args.desc.n < kMost ? args.desc.n : kMost;
        return launch(stream, shape, convolve_directly<T, Tile>, args, conv.window,
                      Divisor((columns + kChunk - 1) / kChunk));
      } else {
        static_assert(sizeof(WeightsShared<Tile>) ==
                      shared_bytes(Tile::kSpec, sizeof(T), true, false));
        return launch(stream, shape, sum_weights_directly<T, Tile>, args, conv.window, workspace);
      }
    });
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_ENGINE_DIRECT_H
