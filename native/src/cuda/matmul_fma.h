// C = A B in FP32 by FMA; see matmul.cu for the design.
#ifndef HALFSTEP_CUDA_MATMUL_FMA_H
#define HALFSTEP_CUDA_MATMUL_FMA_H

#include "cuda/matmul_parts.h"
#include "cuda/operands.h"

namespace hs::cuda {

constexpr unsigned kFmaThreads = 256;
constexpr int kSide = 16;   // threads along each side of the tile
constexpr int kDepth = 16;  // of a stage
constexpr int kGroup = 4;   // neighbouring rows or columns of a thread

// Shared by the block: A and B as [k][row or column], padded against bank conflicts.
template <int kTile>
struct FmaShared {
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

// A thread's elements of a kTile x kDepth piece of an operand, on their way to shared memory. The
// operand is stored [outer, k] if kAlongK, otherwise [k, outer]; neighbouring threads take neighbours
// in a row.
template <int kTile, bool kAlongK>
struct FmaPiece {
  static constexpr int kCount = kTile * kDepth / static_cast<int>(kFmaThreads);
  float value[kCount];

  HS_DEVICE static void place(int i, int& outer, int& k) {
    int number = i * static_cast<int>(kFmaThreads) + static_cast<int>(threadIdx.x);
    outer = kAlongK ? number / kDepth : number % kTile;
    k = kAlongK ? number % kDepth : number / kTile;
  }
  template <class Operand>
  HS_DEVICE void load(const Operand& from, std::int64_t first_outer, std::int64_t first_k) {
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      int outer, k;
      place(i, outer, k);
      value[i] = kAlongK ? from.element(first_outer + outer, first_k + k)
                         : from.element(first_k + k, first_outer + outer);
    }
  }
  HS_DEVICE void store_to(float (&to)[kDepth][kTile + kGroup]) const {
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      int outer, k;
      place(i, outer, k);
      to[k][outer] = value[i];
    }
  }
};

template <int kCount>
struct FmaSums {
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

// One block's part of the product of operands A and B. A is stored [m, k], or [k, m] if kTransposeA;
// B [k, n], or [n, k].
template <int kTile, bool kTransposeA, bool kTransposeB, class A, class B>
HS_DEVICE void multiply_tile_by_fma(const MatmulArgs& args, const MatmulCut& cut,
                                    const MatmulTile& tile, const A& a, const B& b,
                                    const MatmulVectors& vectors, void* workspace) {
  constexpr int kCount = kTile / kSide;
  auto& shared = shared_memory<FmaShared<kTile>>();
  int first_row = static_cast<int>(threadIdx.x) / kSide * kGroup;
  int first_column = static_cast<int>(threadIdx.x) % kSide * kGroup;
  bool sum_rows = vectors.bias_grad != nullptr && tile.n == 0 && first_column == 0;

  FmaSums<kCount> sums{};
  FmaPiece<kTile, !kTransposeA> next_a;
  FmaPiece<kTile, kTransposeB> next_b;
  next_a.load(a, tile.m, tile.k_begin);
  next_b.load(b, tile.n, tile.k_begin);
  int at = 0;
  for (std::int64_t k = tile.k_begin; k < tile.k_end; k += kDepth, at ^= 1) {
    auto& stage = shared.stage[at];
    next_a.store_to(stage.a);
    next_b.store_to(stage.b);
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

  constexpr int kSums = sizeof(FmaSums<kCount>) / sizeof(float);
  auto& flat = reinterpret_cast<float(&)[kSums]>(sums);
  if (!sum_splits<kFmaThreads>(flat, tile, cut, workspace, shared.last)) return;
  __syncthreads();  // the stages give way to the result
  auto offset = [](int i) { return i % kGroup + i / kGroup * kGroup * kSide; };
  HS_UNROLL for (int i = 0; i < kCount; ++i) {
    int row = first_row + offset(i);
    HS_UNROLL for (int j = 0; j < kCount; j += kGroup) {
      Vector<float, kGroup> v;
      HS_UNROLL for (int e = 0; e < kGroup; ++e) v.at[e] = sums.element[i][j + e];
      store(shared.result.at(row, first_column + offset(j)), v);
    }
    if (sum_rows) put_bias_grad(args, vectors.bias_grad, tile.m + row, sums.rows[i]);
  }
  __syncthreads();
  MatmulOutput<float>(args, tile.matrix, vectors.bias)
      .template put_tile<kFmaThreads>(shared.result, tile.m, tile.n, threadIdx.x);
}

// Launches a kernel that multiplies tiles of this size; `more` are its further arguments.
template <int kTile, class Kernel, class... More>
hs_status launch_fma(const Queue& queue, const char* name, const MatmulArgs& args, Kernel kernel,
                     const More&... more) {
  constexpr std::size_t kPartBytes = sizeof(FmaSums<kTile / kSide>) * kFmaThreads;
  MatmulCut cut = cut_matmul(queue, args.desc, kTile, kTile, kDepth, kPartBytes);
  LaunchShape shape{.name = name, .block = {kFmaThreads}, .shared_bytes = sizeof(FmaShared<kTile>)};
  return launch_cut(queue, args, cut, shape, kernel, more...);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MATMUL_FMA_H
