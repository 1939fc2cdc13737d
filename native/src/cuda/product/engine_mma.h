// mma: computes tiles on tensor cores, with warps that load their operands into registers; for
// 16-bit types, and for FP32 rounded to TF32 (T = float).
#ifndef HALFSTEP_CUDA_PRODUCT_ENGINE_MMA_H
#define HALFSTEP_CUDA_PRODUCT_ENGINE_MMA_H

#include "cuda/product/feed.h"
#include "cuda/product/kernel.h"
#include "cuda/product/ring.h"
#include "cuda/product/warp_products.h"

namespace hs::cuda {

template <class Type, class Tile>
class MmaEngine : public TileConstants<Tile> {
  using Constants = TileConstants<Tile>;
  static constexpr int kWarpM = Constants::kM / Constants::kSpec.units_m;
  static constexpr int kWarpN = Constants::kN / Constants::kSpec.units_n;
  static constexpr int kBlocksM = kWarpM / 16, kBlocksN = kWarpN / 8;
  static_assert(kBlocksN % 2 == 0);

 public:
  using T = Type;
  using Constants::kK, Constants::kM, Constants::kN, Constants::kStages, Constants::kThreads;
  static constexpr bool kIsThere = true;

  template <class Source>
  struct Shared {
    struct Stage {
      WarpTile<T, !Source::kTransposeA, kM, kK> a;
      WarpTile<T, Source::kTransposeB, kN, kK> b;
    };
    union {
      Stage stage[kStages];
      ResultTile<kM, kN> result;
    };
    unsigned last;
  };

  using Sums = WarpSums<kBlocksM, kBlocksN>;

  HS_DEVICE explicit MmaEngine(bool sum_rows)
      : m_(static_cast<int>(warp_id()) / Constants::kSpec.units_n * kWarpM),
        n_(static_cast<int>(warp_id()) % Constants::kSpec.units_n * kWarpN),
        sum_rows_(sum_rows && n_ == 0) {}

  template <class Source, class A, class B>
  HS_DEVICE void add_products(Sums& sums, Shared<Source>& shared, const A& a, const B& b,
                              const BlockPart& part) const {
    using Stage = typename Shared<Source>::Stage;
    const TileFeed<decltype(Stage::a), !Source::kTransposeA, kThreads, A> feed_a(a, part.m,
                                                                                 threadIdx.x);
    const TileFeed<decltype(Stage::b), Source::kTransposeB, kThreads, B> feed_b(b, part.n,
                                                                                threadIdx.x);
    go_along_k<false, kK>(shared.stage, feed_a, feed_b, part, [&](Stage& stage) {
      multiply_stage<T, Source::kTransposeA, Source::kTransposeB, kK>(sums, stage, m_, n_,
                                                                      sum_rows_);
    });
  }

  HS_DEVICE void put_elements(ResultTile<kM, kN>& result, const Sums& sums) const {
    store_sums(result, sums, first_row(), n_ + static_cast<int>(lane_id()) % 4 * 2);
  }

  template <class Put>
  HS_DEVICE void put_row_sums(const Sums& sums, const Put& put) const {
    if (!sum_rows_) return;
    HS_UNROLL for (int i = 0; i < kBlocksM; ++i) {
      const float upper = row_sum<T>(sums.rows[i][0]), lower = row_sum<T>(sums.rows[i][2]);
      if (lane_id() % 4 != 0) continue;
      put(first_row() + 16 * i, upper);
      put(first_row() + 16 * i + 8, lower);
    }
  }

 private:
  // The row of the tile at which the lane's elements begin.
  HS_DEVICE int first_row() const { return m_ + static_cast<int>(lane_id()) / 4; }

  int m_, n_;  // row and column at which the warp's part of the tile begins
  bool sum_rows_;
};

template <class T>
struct Mma {
  template <class Source>
  static hs_status run(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args,
                       const typename Source::Parameters& parameters) {
    return with_tile<MmaLarge<sizeof(T)>, MmaSmall<sizeof(T)>>(plan, [&](auto tile) {
      return launch_tiles<MmaEngine<T, decltype(tile)>, Source>(stream, plan, args, parameters);
    });
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_ENGINE_MMA_H
