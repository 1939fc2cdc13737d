// packed: computes many products of small matrices on tensor cores; each warp of a block works on
// its own matrix.
//
// FLOPs and bytes as in matmul.cu. Floor: bytes / bandwidth, since matrices have at most 64 x 64 x
// 64. Design: a warp loops over matrices with its own ring of stages, which cp.async fills while it
// multiplies; no warp waits for another. The result is written through the stage that held the
// operands. Matrices are padded to 16, 32 or, on devices without warpgroups, 64, with zeros that
// are not read from memory. Measured (benchmarks/results/hopper-2026-11-27), H200, BF16: 500,000
// matrices of 16 at 68 % of the bandwidth, 100,000 of 32 at 71 %.
#ifndef HALFSTEP_CUDA_PRODUCT_ENGINE_PACKED_H
#define HALFSTEP_CUDA_PRODUCT_ENGINE_PACKED_H

#include "cuda/product/feed.h"
#include "cuda/product/kernel.h"
#include "cuda/product/warp_products.h"

namespace hs::cuda {

template <class T, class Tile>
struct PackedShared {
  static constexpr TileSpec kSpec = Tile::kSpec;
  using Matrix = StoredTile<T, kSpec.m, kSpec.k>;
  struct Operands {
    Matrix a, b;
  };
  union Stage {
    Operands operands;
    ResultTile<kSpec.m, kSpec.n> result;
  };
  Stage ring[kSpec.units_m][kSpec.stages];
  static_assert(sizeof(Stage) * kSpec.units_m * kSpec.stages ==
                shared_bytes(kSpec, sizeof(T), false, false));
};

template <class T, class Source, class Tile>
HS_DEVICE void multiply_in_warps(const MatmulArgs& args, const ProductCut& cut) {
  constexpr bool kTransposeA = Source::kTransposeA, kTransposeB = Source::kTransposeB;
  constexpr int kWarps = Tile::kSpec.units_m, kStages = Tile::kSpec.stages, kSize = Tile::kSpec.k;
  const hs_matmul_desc& desc = args.desc;
  auto& ring = shared_memory<PackedShared<T, Tile>>().ring[warp_id()];
  const std::int64_t first = std::int64_t{blockIdx.x} * kWarps + warp_id();
  const std::int64_t step = std::int64_t{gridDim.x} * kWarps;
  auto bring = [&](int stage, std::int64_t matrix) {
    if (matrix < desc.batch) {
      const BlockPart part{matrix, 0, 0, 0, desc.k, 0, 0};
      Source::template with_operands<T>(
          args, cut, {}, part, [&](const auto& a, const auto& b, auto) {
            auto& to = ring[stage].operands;
            using Matrix = typename PackedShared<T, Tile>::Matrix;
            using Operand = StoredMatrix<T>;
            TileFeed<Matrix, !kTransposeA, kWarpSize, Operand>(a, 0, lane_id()).bring(to.a, 0);
            TileFeed<Matrix, kTransposeB, kWarpSize, Operand>(b, 0, lane_id()).bring(to.b, 0);
          });
    }
    cp_async_commit();  // one group per matrix, even if there is no matrix left
  };

  HS_UNROLL for (int i = 0; i < kStages - 1; ++i) bring(i, first + i * step);
  int stage = 0;
  for (std::int64_t matrix = first; matrix < desc.batch; matrix += step) {
    cp_async_wait<kStages - 2>();
    // All lanes' copies of this matrix have arrived, and all lanes have finished with the stage
    // that the next matrix will overwrite.
    __syncwarp();
    bring((stage + kStages - 1) % kStages, matrix + (kStages - 1) * step);
    WarpSums<kSize / 16, kSize / 8> sums{};
    multiply_stage<T, kTransposeA, kTransposeB, kSize>(sums, ring[stage].operands, 0, 0, false);
    __syncwarp();  // the result overwrites the operands
    store_sums(ring[stage].result, sums, static_cast<int>(lane_id()) / 4,
               static_cast<int>(lane_id()) % 4 * 2);
    __syncwarp();
    ProductOutput<T>(args, cut, matrix, args.bias)
        .template put_tile<kWarpSize>(ring[stage].result, 0, 0, lane_id());
    stage = (stage + 1) % kStages;
  }
  cp_async_wait<0>();
}

template <class T, class Source, class Tile>
HS_KERNEL void __launch_bounds__(TileConstants<Tile>::kThreads)
    multiply_packed(const MatmulArgs args, const ProductCut cut) {
  multiply_in_warps<T, Source, Tile>(args, cut);
}

// The same for matrices of 16. Without this limit ptxas spills a register on sm_80 to fit more
// blocks.
template <class T, class Source>
HS_KERNEL void __launch_bounds__(TileConstants<Packed16>::kThreads, 2)
    multiply_packed_16(const MatmulArgs args, const ProductCut cut) {
  multiply_in_warps<T, Source, Packed16>(args, cut);
}

template <class T>
struct Packed {
  template <class Source>
  static hs_status run(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args,
                       const typename Source::Parameters&) {
    const LaunchShape shape{.name = "multiply_packed",
                            .grid = {static_cast<unsigned>(plan.blocks)},
                            .block = {threads_of(plan.tile)},
                            .shared_bytes = plan.shared_bytes};
    return with_tile<Packed16, Packed32, Packed64>(plan, [&](auto tile) {
      using Tile = decltype(tile);
      if constexpr (Tile::kSpec == Packed16::kSpec) {
        return launch(stream, shape, multiply_packed_16<T, Source>, args, plan.cut);
      } else {
        return launch(stream, shape, multiply_packed<T, Source, Tile>, args, plan.cut);
      }
    });
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_ENGINE_PACKED_H
