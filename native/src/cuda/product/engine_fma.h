// fma: computes tiles of FP32 by FMA, with 16 x 16 threads.
#ifndef HALFSTEP_CUDA_PRODUCT_ENGINE_FMA_H
#define HALFSTEP_CUDA_PRODUCT_ENGINE_FMA_H

#include "cuda/elementwise.h"
#include "cuda/product/kernel.h"
#include "cuda/product/operands.h"

namespace hs::cuda {

constexpr int kSide = 16;  // threads along each side of the tile
constexpr int kGroup = 4;  // neighbouring rows or columns of a thread

// A thread's share of the kTile x kDepth pieces of an operand, which are copied to shared memory
// one after another along k: load() reads the share into registers, store_to() writes it to a
// stage. The operand is stored [outer, k] if kAlongK, otherwise [k, outer]. It is read in runs of
// kGroup elements, or element by element if these are not aligned. Rows beyond the last one along
// `outer` are handled as in TileFeed.
template <int kTile, int kDepth, unsigned kThreads, bool kAlongK, class Operand>
class FmaPiece {
  static constexpr int kColumns = kAlongK ? kDepth : kTile, kRows = kAlongK ? kTile : kDepth;
  static constexpr int kChunks = kColumns / kGroup;
  static_assert(unsigned{kRows * kChunks} == kThreads);  // a run for each thread
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

// Loads the thread's kCount values for one step of k: groups of four that are kSide groups apart.
template <int kCount, int kWidth>
HS_DEVICE void load_groups(float (&x)[kCount], const float (&from)[kWidth], int first) {
  HS_UNROLL for (int g = 0; g < kCount; g += kGroup) {
    auto v = load<Vector<float, kGroup>>(&from[first + g * kSide]);
    HS_UNROLL for (int e = 0; e < kGroup; ++e) x[g + e] = v.at[e];
  }
}

template <class Tile>
class FmaEngine : public TileConstants<Tile> {
  using Constants = TileConstants<Tile>;
  static constexpr int kCount = Constants::kM / kSide;  // rows, and columns, of a thread

 public:
  using T = float;
  using Constants::kK, Constants::kM, Constants::kN, Constants::kStages, Constants::kThreads;
  static constexpr bool kIsThere = true;
  static_assert(kM == kN && kStages == 2 && kThreads == kSide * kSide);

  // Stages hold A as [k][row] and B as [k][column], padded against bank conflicts.
  template <class>
  struct Shared {
    struct Stage {
      float a[kK][kM + kGroup];
      float b[kK][kN + kGroup];
    };
    union {
      Stage stage[kStages];
      ResultTile<kM, kN> result;
    };
    unsigned last;
  };

  struct Sums {
    float element[kCount][kCount];
    float row;  // the sum of row threadIdx.x of the tile's A, for the bias gradient
  };

  HS_DEVICE explicit FmaEngine(bool sum_rows)
      : first_row_(static_cast<int>(threadIdx.x) / kSide * kGroup),
        first_column_(static_cast<int>(threadIdx.x) % kSide * kGroup),
        sum_rows_(sum_rows && threadIdx.x < unsigned{kM}) {}

  template <class Source, class A, class B>
  HS_DEVICE void add_products(Sums& sums, Shared<Source>& shared, const A& a, const B& b,
                              const BlockPart& part) const {
    FmaPiece<kM, kK, kThreads, !Source::kTransposeA, A> next_a(a, part.m);
    FmaPiece<kN, kK, kThreads, Source::kTransposeB, B> next_b(b, part.n);
    next_a.load(part.k_begin);
    next_b.load(part.k_begin);
    int at = 0;
    for (std::int64_t k = part.k_begin; k < part.k_end; k += kK, at ^= 1) {
      auto& stage = shared.stage[at];
      next_a.store_to(stage.a);
      next_b.store_to(stage.b);
      // All threads have written this stage and finished with the other one, which is filled next.
      __syncthreads();
      if (k + kK < part.k_end) {
        next_a.load(k + kK);
        next_b.load(k + kK);
      }
      HS_UNROLL for (int step = 0; step < kK; ++step) {
        float x[kCount], y[kCount];
        load_groups(x, stage.a[step], first_row_);
        load_groups(y, stage.b[step], first_column_);
        HS_UNROLL for (int i = 0; i < kCount; ++i) {
          HS_UNROLL for (int j = 0; j < kCount; ++j) {
            sums.element[i][j] = fmaf(x[i], y[j], sums.element[i][j]);
          }
        }
      }
      if (sum_rows_) {
        HS_UNROLL for (int step = 0; step < kK; ++step) sums.row += stage.a[step][threadIdx.x];
      }
    }
  }

  HS_DEVICE void put_elements(ResultTile<kM, kN>& result, const Sums& sums) const {
    const auto offset = [](int i) { return i % kGroup + i / kGroup * kGroup * kSide; };
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      const int row = first_row_ + offset(i);
      HS_UNROLL for (int j = 0; j < kCount; j += kGroup) {
        Vector<float, kGroup> v;
        HS_UNROLL for (int e = 0; e < kGroup; ++e) v.at[e] = sums.element[i][j + e];
        store(result.at(row, first_column_ + offset(j)), v);
      }
    }
  }

  template <class Put>
  HS_DEVICE void put_row_sums(const Sums& sums, const Put& put) const {
    if (sum_rows_) put(static_cast<int>(threadIdx.x), sums.row);
  }

 private:
  int first_row_, first_column_;
  bool sum_rows_;
};

struct Fma {
  template <class Source>
  static hs_status run(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args,
                       const typename Source::Parameters& parameters) {
    return with_tile<FmaLarge, FmaSmall>(plan, [&](auto tile) {
      return launch_tiles<FmaEngine<decltype(tile)>, Source>(stream, plan, args, parameters);
    });
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_ENGINE_FMA_H
