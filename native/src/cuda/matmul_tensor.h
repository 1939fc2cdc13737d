// C = A B on tensor cores with FP32 accumulation, for 16-bit types, and for FP32 rounded to TF32;
// see matmul.cu for the design. In these templates T = float means TF32: the tiles hold floats,
// which are rounded on their way to the units.
#ifndef HALFSTEP_CUDA_MATMUL_TENSOR_H
#define HALFSTEP_CUDA_MATMUL_TENSOR_H

#include <type_traits>

#include "cuda/matmul_parts.h"
#include "cuda/matmul_tiles.h"
#include "cuda/matmul_warpgroup.h"
#include "cuda/ptx/matrix.h"

namespace hs::cuda {

// A block's tile, its warps' tiles and the ring of stages that cp.async fills.
template <class T, int kTileM, int kTileN, int kWarpsM, int kWarpsN>
struct TensorConfig {
  static constexpr int kM = kTileM, kN = kTileN, kK = 64 / sizeof(T), kStages = 4;
  static constexpr int kColumnsOfWarps = kWarpsN;
  static constexpr unsigned kThreads = kWarpsM * kWarpsN * kWarpSize;
  static constexpr int kBlocks = kThreads > 128 ? 1 : 3;  // a multiprocessor has room for
  static constexpr int kBlocksM = kTileM / kWarpsM / 16;  // of 16 x 8, of a warp
  static constexpr int kBlocksN = kTileN / kWarpsN / 8;
  static_assert(kBlocksN % 2 == 0);
};

template <class T>
constexpr int kMmaDepth = 2 * kChunkOf<T>;  // of k, of one mma

template <class T, bool kTransposeA, bool kTransposeB, class Config>
struct TensorShared {
  struct Stage {
    OperandTile<T, !kTransposeA, Config::kM, Config::kK> a;
    OperandTile<T, kTransposeB, Config::kN, Config::kK> b;
  };
  union {
    Stage stage[Config::kStages];
    ResultTile<Config::kM, Config::kN> result;
  };
  unsigned last;
};

// What a warp accumulates. `rows` are the sums of A's rows, for the bias gradient: of 16-bit types
// a product with ones, of which all columns are alike; of FP32 what each lane has seen, in [0] and
// [2].
template <class Config>
struct TensorSums {
  float block[Config::kBlocksM][Config::kBlocksN][4];
  float rows[Config::kBlocksM][4];
};

// This lane's element of the 4 x 8 block at (k, outer) of a tile that is stored [k, outer].
template <class Tile>
HS_DEVICE std::uint32_t lane_word(const Tile& tile, int k, int outer) {
  const auto row = static_cast<unsigned>(k) + lane_id() % 4;
  const auto column = static_cast<unsigned>(outer) + lane_id() / 4;
  return float_bits(tile.element[row * Tile::kPitch + column]);
}

// The block of A at (m, k) of the tile: 16 x kMmaDepth.
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

// The two blocks of B at (k, n) and (k, n + 8) of the tile, kMmaDepth x 8: b[0], b[1] and b[2],
// b[3].
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

// c += a b, of operands as load_a and load_b give them, rounded if T is float.
template <class T>
HS_DEVICE void multiply_blocks(float (&c)[4], const std::uint32_t (&a)[4],
                               const std::uint32_t (&b)[2]) {
  if constexpr (std::is_same_v<T, float>) {
    mma_m16n8k8_tf32(c, a, b);
  } else {
    mma_m16n8k16<T>(c, a, b);
  }
}

// Adds a block of A, not yet rounded, to the sums of its rows.
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

// The sum of a row of A, of which this lane and its three neighbours have parts if T is float.
template <class T>
HS_DEVICE float row_sum(float part) {
  return std::is_same_v<T, float> ? group_reduce<4>(part, Sum<float>{}) : part;
}

template <class T, bool kTransposeA, bool kTransposeB, class Config, class Stage>
HS_DEVICE void multiply_stage(TensorSums<Config>& sums, Stage& stage, int warp_m, int warp_n,
                              bool sum_rows) {
  HS_UNROLL for (int k = 0; k < Config::kK; k += kMmaDepth<T>) {
    std::uint32_t a[Config::kBlocksM][4], b[Config::kBlocksN / 2][4];
    HS_UNROLL for (int i = 0; i < Config::kBlocksM; ++i) {
      load_a<kTransposeA>(a[i], stage.a, warp_m + 16 * i, k);
    }
    HS_UNROLL for (int j = 0; j < Config::kBlocksN / 2; ++j) {
      load_b<kTransposeB>(b[j], stage.b, k, warp_n + 16 * j);
    }
    if (sum_rows) {
      HS_UNROLL for (int i = 0; i < Config::kBlocksM; ++i) add_rows<T>(sums.rows[i], a[i]);
    }
    if constexpr (std::is_same_v<T, float>) {
      round_all(a);
      round_all(b);
    }
    HS_UNROLL for (int i = 0; i < Config::kBlocksM; ++i) {
      HS_UNROLL for (int j = 0; j < Config::kBlocksN; ++j) {
        multiply_blocks<T>(sums.block[i][j], a[i], {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]});
      }
    }
  }
}

// A warp's sums into the result, (row, column) being the lane's first element.
template <class Config, class Result>
HS_DEVICE void store_sums(Result& result, const TensorSums<Config>& sums, int row, int column) {
  HS_UNROLL for (int i = 0; i < Config::kBlocksM; ++i) {
    HS_UNROLL for (int j = 0; j < Config::kBlocksN; ++j) {
      const auto& block = sums.block[i][j];
      float* upper = result.at(row + 16 * i, column + 8 * j);
      float* lower = result.at(row + 16 * i + 8, column + 8 * j);
      store(upper, Vector<float, 2>{{block[0], block[1]}});
      store(lower, Vector<float, 2>{{block[2], block[3]}});
    }
  }
}

// One block's part of the product of operands A and B. A is stored [m, k], or [k, m] if kTransposeA;
// B [k, n], or [n, k].
template <class T, bool kTransposeA, bool kTransposeB, class Config, class A, class B>
HS_DEVICE void multiply_tile(const MatmulArgs& args, const MatmulCut& cut, const MatmulTile& tile,
                             const A& a, const B& b, const MatmulVectors& vectors,
                             void* workspace) {
  using Shared = TensorShared<T, kTransposeA, kTransposeB, Config>;
  Shared& shared = shared_memory<Shared>();
  const TileFeed<decltype(Shared::Stage::a), !kTransposeA, Config::kThreads, A> feed_a(a, tile.m,
                                                                                       threadIdx.x);
  const TileFeed<decltype(Shared::Stage::b), kTransposeB, Config::kThreads, B> feed_b(b, tile.n,
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

  constexpr int kWarpM = Config::kBlocksM * 16, kWarpN = Config::kBlocksN * 8;
  int warp_m = static_cast<int>(warp_id()) / Config::kColumnsOfWarps * kWarpM;
  int warp_n = static_cast<int>(warp_id()) % Config::kColumnsOfWarps * kWarpN;
  bool sum_rows = vectors.bias_grad != nullptr && tile.n == 0 && warp_n == 0;
  TensorSums<Config> sums{};
  // The first steps only bring: in the same loop, since code that is read once costs time too.
  int stage = 0;
  for (std::int64_t k = tile.k_begin - (kStages - 1) * Config::kK; k < tile.k_end;
       k += Config::kK) {
    if (k >= tile.k_begin) {
      cp_async_wait<kStages - 2>();
      // All have the stage of this step, and all are done with the one that is filled next.
      __syncthreads();
    }
    bring();
    if (k < tile.k_begin) continue;
    multiply_stage<T, kTransposeA, kTransposeB>(sums, shared.stage[stage], warp_m, warp_n,
                                                sum_rows);
    stage = stage + 1 < kStages ? stage + 1 : 0;
  }
  cp_async_wait<0>();

  constexpr int kSums = sizeof(TensorSums<Config>) / sizeof(float);
  auto& flat = reinterpret_cast<float(&)[kSums]>(sums);
  if (!sum_splits<Config::kThreads>(flat, tile, cut, workspace, shared.last)) return;
  __syncthreads();  // the stages give way to the result
  int row = warp_m + static_cast<int>(lane_id()) / 4;
  int column = warp_n + static_cast<int>(lane_id()) % 4 * 2;
  store_sums(shared.result, sums, row, column);
  if (sum_rows) {
    HS_UNROLL for (int i = 0; i < Config::kBlocksM; ++i) {
      float upper = row_sum<T>(sums.rows[i][0]), lower = row_sum<T>(sums.rows[i][2]);
      if (lane_id() % 4 != 0) continue;
      put_bias_grad(args, vectors.bias_grad, tile.m + row + 16 * i, upper);
      put_bias_grad(args, vectors.bias_grad, tile.m + row + 16 * i + 8, lower);
    }
  }
  __syncthreads();
  MatmulOutput<T>(args, tile.matrix, vectors.bias)
      .template put_tile<Config::kThreads>(shared.result, tile.m, tile.n, threadIdx.x);
}

template <class T, bool kTransposeA, bool kTransposeB, class Config>
HS_KERNEL void __launch_bounds__(Config::kThreads, Config::kBlocks)
    multiply_on_tensor_cores(const MatmulArgs args, const MatmulCut cut, void* workspace) {
  const MatmulTile tile = matmul_tile<Config::kM, Config::kN>(args.desc, cut);
  with_stored_operands<T, kTransposeA, kTransposeB>(
      args, tile, [&](const auto& a, const auto& b, const MatmulVectors& vectors) {
        multiply_tile<T, kTransposeA, kTransposeB, Config>(args, cut, tile, a, b, vectors,
                                                           workspace);
      });
}

// Launches a kernel that multiplies tiles of this configuration; `more` are its further arguments.
template <class T, bool kTransposeA, bool kTransposeB, class Config, class Kernel, class... More>
hs_status launch_tensor(const Stream& stream, const char* name, const MatmulArgs& args,
                        Kernel kernel, const More&... more) {
  constexpr std::size_t kPartBytes = sizeof(TensorSums<Config>) * Config::kThreads;
  MatmulCut cut = cut_matmul(stream, args.desc, Config::kM, Config::kN, Config::kK, Config::kBlocks,
                             kPartBytes);
  LaunchShape shape{.name = name,
                    .block = {Config::kThreads},
                    .shared_bytes = sizeof(TensorShared<T, kTransposeA, kTransposeB, Config>)};
  return launch_cut(stream, args, cut, kPartBytes, shape, kernel, more...);
}

template <class T>
using LargeTiles = TensorConfig<T, 128, 128, 2, 4>;
template <class T>
using SmallTiles = TensorConfig<T, 64, 64, 2, 2>;

template <class T, bool kTransposeA, bool kTransposeB, class Config>
hs_status launch_matmul(const Stream& stream, const MatmulArgs& args) {
  return launch_tensor<T, kTransposeA, kTransposeB, Config>(
      stream, "multiply_on_tensor_cores", args,
      multiply_on_tensor_cores<T, kTransposeA, kTransposeB, Config>);
}

template <class T, bool kTransposeA, bool kTransposeB>
hs_status matmul_in_tiles(const Stream& stream, const MatmulArgs& args) {
  if constexpr (sizeof(T) == 2) {
    if (stream.warpgroups) {
      return with_warpgroup_tiles<true>(stream, args.desc, [&](auto config) {
        using Config = decltype(config);
        return launch_warpgroups<T, kTransposeA, kTransposeB, Config>(
            stream, "multiply_by_warpgroups", args,
            multiply_by_warpgroups<T, kTransposeA, kTransposeB, Config>);
      });
    }
  }
  return fills_device(stream, args.desc, LargeTiles<T>::kM, LargeTiles<T>::kN)
             ? launch_matmul<T, kTransposeA, kTransposeB, LargeTiles<T>>(stream, args)
             : launch_matmul<T, kTransposeA, kTransposeB, SmallTiles<T>>(stream, args);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MATMUL_TENSOR_H
