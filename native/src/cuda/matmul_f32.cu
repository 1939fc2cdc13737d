// The product of FP32 matrices by FMA; see matmul.cu.
#include "cuda/matmul_parts.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kSide = 16;   // threads along each side of the tile
constexpr int kDepth = 16;  // of a stage
constexpr int kGroup = 4;   // neighbouring rows or columns of a thread

// Shared by the block: A and B as [k][row or column], padded against bank conflicts.
template <int kTile>
struct Shared {
  struct Stage {
    float a[kDepth][kTile + kGroup];
    float b[kDepth][kTile + kGroup];
  };
  union {
    Stage stage[2];
    ResultTile<kTile, kTile> result;
  };
  unsigned last;
};

// One operand of one matrix: element (outer, k) lies at outer * outer_step + k * k_step.
struct Operand {
  const float* at;
  std::int64_t outer_step, k_step;
  std::int64_t outers, k_end;
};

// A thread's elements of a kTile x kDepth piece of an operand, on their way to shared memory.
// Neighbouring threads take neighbours in memory.
template <int kTile>
struct Piece {
  static constexpr int kCount = kTile * kDepth / static_cast<int>(kThreads);
  float value[kCount];

  HS_DEVICE static void place(const Operand& from, int i, int& outer, int& k) {
    int number = i * static_cast<int>(kThreads) + static_cast<int>(threadIdx.x);
    bool along_k = from.k_step == 1;
    outer = along_k ? number / kDepth : number % kTile;
    k = along_k ? number % kDepth : number / kTile;
  }
  HS_DEVICE void load(const Operand& from, std::int64_t first_outer, std::int64_t first_k) {
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      int outer, k;
      place(from, i, outer, k);
      bool inside = first_outer + outer < from.outers && first_k + k < from.k_end;
      value[i] =
          inside ? from.at[(first_outer + outer) * from.outer_step + (first_k + k) * from.k_step]
                 : 0.0f;
    }
  }
  HS_DEVICE void store_to(const Operand& from, float (&to)[kDepth][kTile + kGroup]) const {
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      int outer, k;
      place(from, i, outer, k);
      to[k][outer] = value[i];
    }
  }
};

template <int kCount>
struct Sums {
  float element[kCount][kCount];
  float rows[kCount];  // sums of A's rows, for the bias gradient
};

// The thread's kCount values of one k: groups of four, kSide groups apart.
template <int kCount, int kWidth>
HS_DEVICE void load_groups(float (&x)[kCount], const float (&from)[kWidth], int first) {
  HS_UNROLL for (int g = 0; g < kCount; g += kGroup) {
    auto v = load<Vector<float, kGroup>>(&from[first + g * kSide]);
    HS_UNROLL for (int e = 0; e < kGroup; ++e) x[g + e] = v.at[e];
  }
}

template <int kTile>
HS_KERNEL void __launch_bounds__(kThreads)
    multiply_by_fma(const MatmulArgs args, const MatmulCut cut, void* workspace) {
  constexpr int kCount = kTile / kSide;
  Shared<kTile>& shared = shared_memory<Shared<kTile>>();
  const hs_matmul_desc& desc = args.desc;
  const MatmulTile tile = matmul_tile<kTile, kTile>(desc, cut);
  bool ta = desc.transpose_a != 0, tb = desc.transpose_b != 0;
  const Operand a{static_cast<const float*>(args.a) + tile.matrix * desc.stride_a,
                  ta ? 1 : desc.lda, ta ? desc.lda : 1, desc.m, tile.k_end};
  const Operand b{static_cast<const float*>(args.b) + tile.matrix * desc.stride_b,
                  tb ? desc.ldb : 1, tb ? 1 : desc.ldb, desc.n, tile.k_end};
  int first_row = static_cast<int>(threadIdx.x) / kSide * kGroup;
  int first_column = static_cast<int>(threadIdx.x) % kSide * kGroup;
  bool sum_rows = args.bias_grad != nullptr && tile.n == 0 && first_column == 0;

  Sums<kCount> sums{};
  Piece<kTile> next_a, next_b;
  next_a.load(a, tile.m, tile.k_begin);
  next_b.load(b, tile.n, tile.k_begin);
  int at = 0;
  for (std::int64_t k = tile.k_begin; k < tile.k_end; k += kDepth, at ^= 1) {
    auto& stage = shared.stage[at];
    next_a.store_to(a, stage.a);
    next_b.store_to(b, stage.b);
    // All have the stage, and all are done with the other one, which is filled next.
    __syncthreads();
    if (k + kDepth < tile.k_end) {
      next_a.load(a, tile.m, k + kDepth);
      next_b.load(b, tile.n, k + kDepth);
    }
    HS_UNROLL for (int step = 0; step < kDepth; ++step) {
      float x[kCount], y[kCount];
      load_groups(x, stage.a[step], first_row);
      load_groups(y, stage.b[step], first_column);
      HS_UNROLL for (int i = 0; i < kCount; ++i) {
        HS_UNROLL for (int j = 0; j < kCount; ++j) {
          sums.element[i][j] = fmaf(x[i], y[j], sums.element[i][j]);
        }
      }
      if (sum_rows) {
        HS_UNROLL for (int i = 0; i < kCount; ++i) sums.rows[i] += x[i];
      }
    }
  }

  constexpr int kSums = sizeof(Sums<kCount>) / sizeof(float);
  auto& flat = reinterpret_cast<float(&)[kSums]>(sums);
  if (!sum_splits<kThreads>(flat, tile, cut, workspace, shared.last)) return;
  __syncthreads();  // the stages give way to the result
  auto offset = [](int i) { return i % kGroup + i / kGroup * kGroup * kSide; };
  HS_UNROLL for (int i = 0; i < kCount; ++i) {
    int row = first_row + offset(i);
    HS_UNROLL for (int j = 0; j < kCount; j += kGroup) {
      Vector<float, kGroup> v;
      HS_UNROLL for (int e = 0; e < kGroup; ++e) v.at[e] = sums.element[i][j + e];
      store(shared.result.at(row, first_column + offset(j)), v);
    }
    if (sum_rows) put_bias_grad(args, tile.m + row, sums.rows[i]);
  }
  __syncthreads();
  MatmulOutput<float>(args, tile.matrix).template put_tile<kThreads>(shared.result, tile.m, tile.n);
}

template <int kTile>
hs_status launch_tile(const Queue& queue, const MatmulArgs& args) {
  constexpr std::size_t kPartBytes = sizeof(Sums<kTile / kSide>) * kThreads;
  MatmulCut cut = cut_matmul(queue, args.desc, kTile, kTile, kDepth, kPartBytes);
  LaunchShape shape{
      .name = "multiply_by_fma", .block = {kThreads}, .shared_bytes = sizeof(Shared<kTile>)};
  return launch_cut(queue, args, cut, shape, multiply_by_fma<kTile>);
}

}  // namespace

hs_status matmul_f32(const Queue& queue, const MatmulArgs& args) {
  const hs_matmul_desc& desc = args.desc;
  std::int64_t large_tiles = (desc.m + 127) / 128 * ((desc.n + 127) / 128) * desc.batch;
  return large_tiles >= queue.multiprocessors ? launch_tile<128>(queue, args)
                                              : launch_tile<64>(queue, args);
}

}  // namespace hs::cuda
