// C = A B in FP32 by FMA; see matmul.cu for the design.
#ifndef HALFSTEP_CUDA_MATMUL_FMA_H
#define HALFSTEP_CUDA_MATMUL_FMA_H

#include "cuda/matmul_parts.h"
#include "cuda/operands.h"

namespace hs::cuda {

constexpr unsigned kFmaThreads = 256;
constexpr int kSide = 16;  // threads along each side of the tile
constexpr int kGroup = 4;  // neighbouring rows or columns of a thread
template <int kTile>
constexpr int kFmaDepth = 1024 / kTile;  // of a stage: a run of each operand for each thread
template <int kTile>
constexpr int kFmaBlocks = kTile == 64 ? 2 : 1;  // a multiprocessor has room for

// Shared by the block: A and B as [k][row or column], padded against bank conflicts.
template <int kTile>
struct FmaShared {
  static constexpr int kDepth = kFmaDepth<kTile>;
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

// A thread's share of the kTile x kDepth pieces of an operand, on their way to shared memory one after
// another along k. The operand is stored [outer, k] if kAlongK, otherwise [k, outer]. It comes
// in runs of kGroup, and where they are not aligned one by one; rows beyond the last one along
// `outer` are as TileFeed has them.
template <int kTile, bool kAlongK, class Operand>
class FmaPiece {
  static constexpr int kDepth = kFmaDepth<kTile>;
  static constexpr int kColumns = kAlongK ? kDepth : kTile, kRows = kAlongK ? kTile : kDepth;
  static constexpr int kChunks = kColumns / kGroup;
  static_assert(kRows * kChunks == kFmaThreads);  // a run for each thread
  using Row = typename Operand::Row;
  using Column = typename Operand::Column;

 public:
  HS_DEVICE FmaPiece(const Operand& operand, std::int64_t first_outer)
      : from_(operand),
        outer_(first_outer),
        first_(static_cast<int>(threadIdx.x) / kChunks),
        column_(static_cast<int>(threadIdx.x) % kChunks * kGroup) {
    if constexpr (kAlongK) {
      row_[0] = some_row(from_, outer_ + first_);
    } else {
      fixed_[0] = from_.column(outer_ + column_, kGroup);
    }
  }

  HS_DEVICE void load(std::int64_t k) {
    if (!Operand::kInRows && from_.width != kGroup) return load_elements(k);
    if constexpr (kAlongK) {
      load_run(row_[0], from_.column(k + column_, kGroup), from_.rows > 0);
    } else {
      load_run(from_.row(k + first_), fixed_[0], k + first_ < from_.rows);
    }
  }

  HS_DEVICE void store_to(float (&to)[kDepth][kTile + kGroup]) const {
    if constexpr (kAlongK) {
      HS_UNROLL for (int e = 0; e < kGroup; ++e) to[column_ + e][first_] = value_.at[e];
    } else {
      store(&to[first_][column_], value_);
    }
  }

 private:
  HS_DEVICE void load_run(const Row& row, const Column& column, bool valid) {
    int count;
    const float* run = from_.run(row, column, count);
    value_ = {};
    if (valid && count == kGroup && from_.width == kGroup) {
      value_ = hs::cuda::load<Vector<float, kGroup>>(run);
    } else if (valid) {
      HS_UNROLL for (int e = 0; e < kGroup; ++e) {
        if (e < count) value_.at[e] = run[e];
      }
    }
  }

  HS_DEVICE void load_elements(std::int64_t k) {
    HS_UNROLL for (int e = 0; e < kGroup; ++e) {
      value_.at[e] = kAlongK ? element_of(from_, outer_ + first_, k + column_ + e)
                             : element_of(from_, k + first_, outer_ + column_ + e);
    }
  }

  const Operand& from_;
  std::int64_t outer_;
  int first_, column_;
  Row row_[1];
  Column fixed_[1];
  Vector<float, kGroup> value_;
};

template <int kCount>
struct FmaSums {
  float element[kCount][kCount];
  float row;  // the sum of the row of A whose number is the thread's, for the bias gradient
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
  constexpr int kCount = kTile / kSide, kDepth = kFmaDepth<kTile>;
  auto& shared = shared_memory<FmaShared<kTile>>();
  int first_row = static_cast<int>(threadIdx.x) / kSide * kGroup;
  int first_column = static_cast<int>(threadIdx.x) % kSide * kGroup;
  const int own_row = static_cast<int>(threadIdx.x);
  const bool sum_rows = vectors.bias_grad != nullptr && tile.n == 0 && own_row < kTile;

  FmaSums<kCount> sums{};
  FmaPiece<kTile, !kTransposeA, A> next_a(a, tile.m);
  FmaPiece<kTile, kTransposeB, B> next_b(b, tile.n);
  next_a.load(tile.k_begin);
  next_b.load(tile.k_begin);
  int at = 0;
  for (std::int64_t k = tile.k_begin; k < tile.k_end; k += kDepth, at ^= 1) {
    auto& stage = shared.stage[at];
    next_a.store_to(stage.a);
    next_b.store_to(stage.b);
    // All have the stage, and all are done with the other one, which is filled next.
    __syncthreads();
    if (k + kDepth < tile.k_end) {
      next_a.load(k + kDepth);
      next_b.load(k + kDepth);
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
    }
    if (sum_rows) {
      HS_UNROLL for (int step = 0; step < kDepth; ++step) sums.row += stage.a[step][own_row];
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
  }
  if (sum_rows) put_bias_grad(args, vectors.bias_grad, tile.m + own_row, sums.row);
  __syncthreads();
  MatmulOutput<float>(args, tile.matrix, vectors.bias)
      .template put_tile<kFmaThreads>(shared.result, tile.m, tile.n, threadIdx.x);
}

// Launches a kernel that multiplies tiles of this size; `more` are its further arguments.
template <int kTile, class Kernel, class... More>
hs_status launch_fma(const Stream& stream, const char* name, const MatmulArgs& args, Kernel kernel,
                     const More&... more) {
  constexpr std::size_t kPartBytes = sizeof(FmaSums<kTile / kSide>) * kFmaThreads;
  MatmulCut cut =
      cut_matmul(stream, args.desc, kTile, kTile, kFmaDepth<kTile>, kFmaBlocks<kTile>, kPartBytes);
  LaunchShape shape{.name = name, .block = {kFmaThreads}, .shared_bytes = sizeof(FmaShared<kTile>)};
  return launch_cut(stream, args, cut, kPartBytes, shape, kernel, more...);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MATMUL_FMA_H
