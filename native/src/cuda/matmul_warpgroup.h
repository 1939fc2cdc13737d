// C = A B on Hopper's tensor cores with FP32 accumulation, for 16-bit types; see matmul.cu for the
// design.
#ifndef HALFSTEP_CUDA_MATMUL_WARPGROUP_H
#define HALFSTEP_CUDA_MATMUL_WARPGROUP_H

#include "cuda/matmul_parts.h"
#include "cuda/matmul_tiles.h"
#include "cuda/ptx/warpgroup.h"

namespace hs::cuda {

// A block's tile, which warpgroups of kGroupsM x kGroupsN share, the ring of stages that cp.async
// fills, and the blocks that a multiprocessor has room for.
template <int kTileM, int kTileN, int kGroupsM, int kGroupsN, int kRing, int kOfMultiprocessor>
struct WarpgroupConfig {
  static constexpr int kM = kTileM, kN = kTileN, kK = 64, kStages = kRing;
  static constexpr int kColumnsOfGroups = kGroupsN;
  static constexpr int kGroupN = kTileN / kGroupsN;  // columns of a warpgroup
  static constexpr unsigned kThreads = kGroupsM * kGroupsN * kWarpgroupSize;
  static constexpr int kBlocks = kOfMultiprocessor;
  static_assert(kTileM == kGroupsM * kWarpgroupRows && kRing >= 3);
};

// Rows of 128 bytes as SharedOperand has them: tiles that are wider lie in blocks of 64 columns.
template <class T, int kTileRows, int kTileColumns>
struct alignas(1024) SwizzledTile {
  using Element = T;
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr unsigned kGroupBytes = 8 * 128, kBlockBytes = kRows * 128;
  static constexpr unsigned kPeriod = 8, kPitch = 64;  // of the permutation; of rows of a block
  static_assert(sizeof(T) == 2 && kColumns % 64 == 0 && kRows % 8 == 0);
  T element[kRows * kColumns];

  HS_DEVICE T* chunk(unsigned row, unsigned at) {
    return element + (at / 8 * kRows + row) * 64 + (at % 8 ^ row % 8) * 8;
  }
  // From a row and a column on; they are multiples of 64.
  HS_DEVICE SharedOperand operand(int row, int column) const {
    return SharedOperand(element + (column / 64 * kRows + row) * 64, kBlockBytes, kGroupBytes);
  }
};

template <class T, bool kTransposeA, bool kTransposeB, class Config>
struct WarpgroupShared {
  static constexpr int kM = Config::kM, kN = Config::kN, kK = Config::kK;
  using A = std::conditional_t<kTransposeA, SwizzledTile<T, kK, kM>, SwizzledTile<T, kM, kK>>;
  using B = std::conditional_t<kTransposeB, SwizzledTile<T, kN, kK>, SwizzledTile<T, kK, kN>>;
  struct Stage {
    A a;
    B b;
  };
  union {
    Stage stage[Config::kStages];
    ResultTile<kM, kN> result;
  };
  SwizzledTile<T, 8, 64> ones;
  unsigned last;
};

// What a thread accumulates. `rows` are the sums of A's rows, for the bias gradient: a product with
// ones, of which all columns are alike.
template <class Config>
struct WarpgroupSums {
  float block[Config::kGroupN / 2];
  float rows[4];
};

// Begins to multiply a stage, for the warpgroup whose part of the tile begins at (m, n).
template <class T, bool kTransposeA, bool kTransposeB, bool kSumRows, class Config, class Shared>
HS_DEVICE void begin_stage(WarpgroupSums<Config>& sums, const Shared& shared,
                           const typename Shared::Stage& stage, int m, int n) {
  // From one product to the next along k: within rows of 128 bytes, or so many of them.
  constexpr unsigned kAlongRow = kWarpgroupDepth * sizeof(T), kAlongRows = kWarpgroupDepth * 128;
  const SharedOperand a = kTransposeA ? stage.a.operand(0, m) : stage.a.operand(m, 0);
  const SharedOperand b = kTransposeB ? stage.b.operand(n, 0) : stage.b.operand(0, n);
  warpgroup_arrive();
  HS_UNROLL for (unsigned i = 0; i < Config::kK / kWarpgroupDepth; ++i) {
    const SharedOperand of_a = a.advanced(i * (kTransposeA ? kAlongRows : kAlongRow));
    const SharedOperand of_b = b.advanced(i * (kTransposeB ? kAlongRow : kAlongRows));
    warpgroup_multiply<T, kTransposeA, !kTransposeB, Config::kGroupN>(sums.block, of_a, of_b);
    if constexpr (kSumRows) {
      warpgroup_multiply<T, kTransposeA, false, 8>(sums.rows, of_a, shared.ones.operand(0, 0));
    }
  }
  warpgroup_commit();
}

// A warpgroup's sums into the result, (row, column) being the thread's first element.
template <class Config, class Result>
HS_DEVICE void store_group_sums(Result& result, const WarpgroupSums<Config>& sums, int row,
                                int column) {
  HS_UNROLL for (int j = 0; j < Config::kGroupN / 8; ++j) {
    const float* block = sums.block + 4 * j;
    store(result.at(row, column + 8 * j), Vector<float, 2>{{block[0], block[1]}});
    store(result.at(row + 8, column + 8 * j), Vector<float, 2>{{block[2], block[3]}});
  }
}

// One block's part of the product of operands A and B. A is stored [m, k], or [k, m] if kTransposeA;
// B [k, n], or [n, k].
template <class T, bool kTransposeA, bool kTransposeB, class Config, class A, class B>
HS_DEVICE void multiply_tile_by_warpgroups(const MatmulArgs& args, const MatmulCut& cut,
                                           const MatmulTile& tile, const A& a, const B& b,
                                           const MatmulVectors& vectors, void* workspace) {
  using Shared = WarpgroupShared<T, kTransposeA, kTransposeB, Config>;
  Shared& shared = shared_memory<Shared>();
  const TileFeed<typename Shared::A, !kTransposeA, Config::kThreads, A> feed_a(a, tile.m,
                                                                               threadIdx.x);
  const TileFeed<typename Shared::B, kTransposeB, Config::kThreads, B> feed_b(b, tile.n,
                                                                              threadIdx.x);
  constexpr int kStages = Config::kStages;
  std::int64_t next = tile.k_begin;  // to be brought
  int next_stage = 0;
  auto bring = [&] {
    if (next < tile.k_end) {
      feed_a.bring(shared.stage[next_stage].a, next);
      feed_b.bring(shared.stage[next_stage].b, next);
    }
    cp_async_commit();  // a group a step, be it empty
    next += Config::kK;
    next_stage = next_stage + 1 < kStages ? next_stage + 1 : 0;
  };

  int group = static_cast<int>(threadIdx.x / kWarpgroupSize);
  int m = group / Config::kColumnsOfGroups * kWarpgroupRows;
  int n = group % Config::kColumnsOfGroups * Config::kGroupN;
  const bool sum_rows = vectors.bias_grad != nullptr && tile.n == 0;
  if (sum_rows && threadIdx.x < kWarpgroupSize) {
    for (int i = static_cast<int>(threadIdx.x); i < 8 * 64; i += kWarpgroupSize) {
      shared.ones.element[i] = from_float<T>(1.0f);
    }
  }
  WarpgroupSums<Config> sums{};
  // The first steps only bring: in the same loop, since code that is read once costs time too.
  auto multiply = [&](auto with_rows) {
    warpgroup_fence_sums(sums.block);
    if constexpr (decltype(with_rows)::value) warpgroup_fence_sums(sums.rows);
    int stage = 0;
    for (std::int64_t k = tile.k_begin - (kStages - 2) * Config::kK; k < tile.k_end;
         k += Config::kK) {
      if (k >= tile.k_begin) {
        cp_async_wait<kStages - 3>();
        fence_shared_for_units();
        // All have the stage of this step, and all are done with the one before the last.
        __syncthreads();
        begin_stage<T, kTransposeA, kTransposeB, with_rows>(sums, shared, shared.stage[stage], m,
                                                            n);
        stage = stage + 1 < kStages ? stage + 1 : 0;
      }
      bring();              // while the units work
      warpgroup_wait<1>();  // for the step before
    }
    warpgroup_wait<0>();
  };
  if (sum_rows) {
    multiply(std::true_type{});
  } else {
    multiply(std::false_type{});
  }
  cp_async_wait<0>();
  // Not in `multiply`: behind each of its loops it makes nvcc 13 take 50 instructions more a step.
  warpgroup_fence_sums(sums.block);
  warpgroup_fence_sums(sums.rows);

  constexpr int kSums = sizeof(WarpgroupSums<Config>) / sizeof(float);
  auto& flat = reinterpret_cast<float(&)[kSums]>(sums);
  if (!sum_splits<Config::kThreads>(flat, tile, cut, workspace, shared.last)) return;
  __syncthreads();  // the stages give way to the result
  int row = m + static_cast<int>(warp_id()) % 4 * 16 + static_cast<int>(lane_id()) / 4;
  store_group_sums(shared.result, sums, row, n + static_cast<int>(lane_id()) % 4 * 2);
  if (sum_rows && n == 0 && lane_id() % 4 == 0) {
    put_bias_grad(args, vectors.bias_grad, tile.m + row, sums.rows[0]);
    put_bias_grad(args, vectors.bias_grad, tile.m + row + 8, sums.rows[2]);
  }
  __syncthreads();
  MatmulOutput<T>(args, tile.matrix, vectors.bias)
      .template put_tile<Config::kThreads>(shared.result, tile.m, tile.n, threadIdx.x);
}

template <class T, bool kTransposeA, bool kTransposeB, class Config>
HS_KERNEL void __launch_bounds__(Config::kThreads, Config::kBlocks)
    multiply_by_warpgroups([[maybe_unused]] const MatmulArgs args,
                           [[maybe_unused]] const MatmulCut cut, [[maybe_unused]] void* workspace) {
#ifdef HS_HAS_WARPGROUPS
  const MatmulTile tile = matmul_tile<Config::kM, Config::kN>(args.desc, cut);
  with_stored_operands<T, kTransposeA, kTransposeB>(
      args, tile, [&](const auto& a, const auto& b, const MatmulVectors& vectors) {
        multiply_tile_by_warpgroups<T, kTransposeA, kTransposeB, Config>(args, cut, tile, a, b,
                                                                         vectors, workspace);
      });
#endif
}

// Launches a kernel that multiplies tiles of this configuration; `more` are its further arguments.
template <class T, bool kTransposeA, bool kTransposeB, class Config, class Kernel, class... More>
hs_status launch_warpgroups(const Stream& stream, const char* name, const MatmulArgs& args,
                            Kernel kernel, const More&... more) {
  constexpr std::size_t kPartBytes = sizeof(WarpgroupSums<Config>) * Config::kThreads;
  MatmulCut cut = cut_matmul(stream, args.desc, Config::kM, Config::kN, Config::kK, Config::kBlocks,
                             kPartBytes);
  LaunchShape shape{.name = name,
                    .block = {Config::kThreads},
                    .shared_bytes = sizeof(WarpgroupShared<T, kTransposeA, kTransposeB, Config>)};
  return launch_cut(stream, args, cut, kPartBytes, shape, kernel, more...);
}

// The larger a tile, the less it reads for what it computes; but a multiprocessor has room for few of
// them, and nobody else works while one begins or ends. Tall and flat ones are for products of few
// columns or rows.
using WideTiles = WarpgroupConfig<128, 256, 2, 1, 4, 1>;
using MediumTiles = WarpgroupConfig<128, 128, 2, 1, 3, 2>;
using TallTiles = WarpgroupConfig<128, 64, 2, 1, 4, 2>;
using FlatTiles = WarpgroupConfig<64, 256, 1, 2, 4, 1>;
using LittleTiles = WarpgroupConfig<64, 64, 1, 1, 3, 4>;

// Calls launch(config) with the tiles that suit a product: the largest of which there are enough for
// the device, counted with the parts of k that blocks may share. Flat tiles are for matrices that lie
// in memory (kInMemory): windows are found row by row, and more blocks do that faster.
template <bool kInMemory, class Launch>
hs_status with_warpgroup_tiles(const Stream& stream, const hs_matmul_desc& desc,
                               const Launch& launch) {
  constexpr std::int64_t kWorthAPart = 512, kWorthWideTiles = 256;  // of k
  const std::int64_t parts = desc.k < kWorthAPart ? 1 : desc.k / kWorthAPart;
  auto enough = [&](auto config) {
    return desc.n > config.kN / 2 &&
           tiles_of(desc, config.kM, config.kN) * parts >= stream.multiprocessors;
  };
  if (desc.m > kWarpgroupRows) {
    if (desc.k >= kWorthWideTiles && enough(WideTiles{})) return launch(WideTiles{});
    if (enough(MediumTiles{})) return launch(MediumTiles{});
    if (desc.n <= TallTiles::kN && enough(TallTiles{})) return launch(TallTiles{});
  }
  if constexpr (kInMemory) {
    if (desc.m <= kWarpgroupRows && enough(FlatTiles{})) return launch(FlatTiles{});
  }
  return launch(LittleTiles{});
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MATMUL_WARPGROUP_H
