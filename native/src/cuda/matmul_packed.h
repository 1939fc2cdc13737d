// Many products of small matrices on tensor cores: several matrices a block, one a warp.
//
// FLOPs and bytes as in matmul.cu; up to 64 x 64 x 64 bandwidth is the floor.
// Design: a warp takes matrices in turn through a ring of stages of its own, which cp.async fills
// while it multiplies; nothing but the warp waits. The result goes out through the stage that it came
// from. Matrices are rounded up to 16, 32 or, where there are no warpgroups, 64 with zeros that are not
// read.
// Measured (benchmarks/results/hopper-2026-11-27), H200, BF16: 500,000 of 16 at 68 % of bandwidth, 100,000
// of 32 at 71 %.
#ifndef HALFSTEP_CUDA_MATMUL_PACKED_H
#define HALFSTEP_CUDA_MATMUL_PACKED_H

#include "cuda/matmul_tensor.h"

namespace hs::cuda {

// Rows and columns; those of 64 are better served by warpgroups.
inline std::int64_t most_packed(const Stream& stream) { return stream.warpgroups ? 32 : 64; }

// Matrices of up to kSize x kSize. A multiprocessor's shared memory, of 164 KB or more, holds the
// blocks: 32, 48 and 96 KB each.
template <int kSize>
struct PackedConfig {
  static constexpr int kM = kSize, kN = kSize, kK = kSize;
  static constexpr int kBlocksM = kSize / 16, kBlocksN = kSize / 8;
  static constexpr int kStages = kSize == 16 ? 4 : 3;
  static constexpr unsigned kWarps = kSize == 16 ? 8 : kSize == 32 ? 4 : 2;
  static constexpr int kBlocks = kSize == 16 ? 6 : kSize == 32 ? 4 : 2;  // of a multiprocessor
};

template <class T, class Config>
struct PackedShared {
  using Matrix = StoredTile<T, Config::kM, Config::kK>;
  struct Operands {
    Matrix a, b;
  };
  union Stage {
    Operands operands;
    ResultTile<Config::kM, Config::kN> result;
  };
  Stage ring[Config::kWarps][Config::kStages];
};

template <class T, bool kTransposeA, bool kTransposeB, class Config>
HS_DEVICE void multiply_in_warps(const MatmulArgs& args) {
  using Shared = PackedShared<T, Config>;
  const hs_matmul_desc& desc = args.desc;
  auto& ring = shared_memory<Shared>().ring[warp_id()];
  const std::int64_t first = std::int64_t{blockIdx.x} * Config::kWarps + warp_id();
  const std::int64_t step = std::int64_t{gridDim.x} * Config::kWarps;
  auto bring = [&](int stage, std::int64_t matrix) {
    if (matrix < desc.batch) {
      const T* at_a = static_cast<const T*>(args.a) + matrix * desc.stride_a;
      const T* at_b = static_cast<const T*>(args.b) + matrix * desc.stride_b;
      const StoredMatrix<T> a(at_a, desc.lda, kTransposeA ? desc.k : desc.m,
                              kTransposeA ? desc.m : desc.k);
      const StoredMatrix<T> b(at_b, desc.ldb, kTransposeB ? desc.n : desc.k,
                              kTransposeB ? desc.k : desc.n);
      auto& to = ring[stage].operands;
      using Matrix = typename Shared::Matrix;
      TileFeed<Matrix, !kTransposeA, kWarpSize, StoredMatrix<T>>(a, 0, lane_id()).bring(to.a, 0);
      TileFeed<Matrix, kTransposeB, kWarpSize, StoredMatrix<T>>(b, 0, lane_id()).bring(to.b, 0);
    }
    cp_async_commit();  // a group a matrix, be it none
  };

  HS_UNROLL for (int i = 0; i < Config::kStages - 1; ++i) bring(i, first + i * step);
  int stage = 0;
  for (std::int64_t matrix = first; matrix < desc.batch; matrix += step) {
    cp_async_wait<Config::kStages - 2>();
    // All lanes have this matrix, and all are done with the result that lies where the next goes.
    __syncwarp();
    bring((stage + Config::kStages - 1) % Config::kStages, matrix + (Config::kStages - 1) * step);
    TensorSums<Config> sums{};
    multiply_stage<T, kTransposeA, kTransposeB>(sums, ring[stage].operands, 0, 0, false);
    __syncwarp();  // the operands give way to the result
    store_sums(ring[stage].result, sums, static_cast<int>(lane_id()) / 4,
               static_cast<int>(lane_id()) % 4 * 2);
    __syncwarp();
    MatmulOutput<T>(args, matrix, args.bias)
        .template put_tile<kWarpSize>(ring[stage].result, 0, 0, lane_id());
    stage = (stage + 1) % Config::kStages;
  }
  cp_async_wait<0>();
}

template <class T, bool kTransposeA, bool kTransposeB, class Config>
HS_KERNEL void __launch_bounds__(Config::kWarps* kWarpSize) multiply_packed(const MatmulArgs args) {
  multiply_in_warps<T, kTransposeA, kTransposeB, Config>(args);
}

// The same for matrices of 16: ptxas otherwise spills a register on sm_80, for more blocks.
template <class T, bool kTransposeA, bool kTransposeB>
HS_KERNEL void __launch_bounds__(PackedConfig<16>::kWarps* kWarpSize, 2)
    multiply_packed_16(const MatmulArgs args) {
  multiply_in_warps<T, kTransposeA, kTransposeB, PackedConfig<16>>(args);
}

// Fewer matrices than multiprocessors are better shared by the warps of a block.
inline bool is_packed(const Stream& stream, const MatmulArgs& args) {
  const hs_matmul_desc& d = args.desc;
  const std::int64_t most = most_packed(stream);
  return d.batch >= stream.multiprocessors && args.bias_grad == nullptr && d.m <= most &&
         d.n <= most && d.k <= most;
}

template <class T, bool kTransposeA, bool kTransposeB, int kSize>
hs_status launch_packed(const Stream& stream, const MatmulArgs& args) {
  using Config = PackedConfig<kSize>;
  const LaunchShape shape{
      .name = "multiply_packed",
      .grid = {blocks_for(stream, args.desc.batch, Config::kWarps, Config::kBlocks)},
      .block = {Config::kWarps * kWarpSize},
      .shared_bytes = sizeof(PackedShared<T, Config>)};
  if constexpr (kSize == 16) {
    return launch(stream, shape, multiply_packed_16<T, kTransposeA, kTransposeB>, args);
  } else {
    return launch(stream, shape, multiply_packed<T, kTransposeA, kTransposeB, Config>, args);
  }
}

template <class T, bool kTransposeA, bool kTransposeB>
hs_status matmul_packed(const Stream& stream, const MatmulArgs& args) {
  const hs_matmul_desc& d = args.desc;
  auto fits = [&](std::int64_t size) { return d.m <= size && d.n <= size && d.k <= size; };
  if (fits(16)) return launch_packed<T, kTransposeA, kTransposeB, 16>(stream, args);
  if (fits(32)) return launch_packed<T, kTransposeA, kTransposeB, 32>(stream, args);
  return launch_packed<T, kTransposeA, kTransposeB, 64>(stream, args);
}

template <class T, bool kTransposeA, bool kTransposeB>
hs_status choose_kernel(const Stream& stream, const MatmulArgs& args) {
  return is_packed(stream, args) ? matmul_packed<T, kTransposeA, kTransposeB>(stream, args)
                                 : matmul_in_tiles<T, kTransposeA, kTransposeB>(stream, args);
}

template <class T>
hs_status matmul_on_tensor_cores(const Stream& stream, const MatmulArgs& args) {
  return with_layout(args.desc, [&](auto transpose_a, auto transpose_b) {
    return choose_kernel<T, transpose_a, transpose_b>(stream, args);
  });
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MATMUL_PACKED_H
