// wgmma: computes tiles on Hopper's tensor cores, with warpgroups that multiply operands in shared
// memory; for 16-bit types, with FP32 sums.
#ifndef HALFSTEP_CUDA_PRODUCT_ENGINE_WGMMA_H
#define HALFSTEP_CUDA_PRODUCT_ENGINE_WGMMA_H

#include "cuda/product/feed.h"
#include "cuda/product/kernel.h"
#include "cuda/product/ring.h"
#include "cuda/ptx/warpgroup.h"

namespace hs::cuda {

template <class Type, class Tile>
class WgmmaEngine : public TileConstants<Tile> {
  using Constants = TileConstants<Tile>;
  static constexpr int kGroupN = Constants::kN / Constants::kSpec.units_n;  // per warpgroup

 public:
  using T = Type;
  using Constants::kK, Constants::kM, Constants::kN, Constants::kStages, Constants::kThreads;
  static constexpr bool kIsThere = kHasWarpgroups;  // whether this architecture has the engine
  static_assert(kM == Constants::kSpec.units_m * kWarpgroupRows);

  template <class Source>
  struct Shared {
    struct Stage {
      WarpgroupTile<T, !Source::kTransposeA, kM, kK> a;
      WarpgroupTile<T, Source::kTransposeB, kN, kK> b;
    };
    union {
      Stage stage[kStages];
      ResultTile<kM, kN> result;
    };
    SwizzledTile<T, 8, 64> ones;
    unsigned last;
  };

  // The sums that a thread accumulates. `rows` are the sums of A's rows, computed as a product with
  // ones, so that all its columns are equal.
  struct Sums {
    float block[kGroupN / 2];
    float rows[4];
  };

  HS_DEVICE explicit WgmmaEngine(bool sum_rows) : sum_rows_(sum_rows) {
    const int group = static_cast<int>(threadIdx.x / kWarpgroupSize);
    m_ = group / Constants::kSpec.units_n * kWarpgroupRows;
    n_ = group % Constants::kSpec.units_n * kGroupN;
  }

  template <class Source, class A, class B>
  HS_DEVICE void add_products(Sums& sums, Shared<Source>& shared, const A& a, const B& b,
                              const BlockPart& part) const {
    using Stage = typename Shared<Source>::Stage;
    const TileFeed<decltype(Stage::a), !Source::kTransposeA, kThreads, A> feed_a(a, part.m,
                                                                                 threadIdx.x);
    const TileFeed<decltype(Stage::b), Source::kTransposeB, kThreads, B> feed_b(b, part.n,
                                                                                threadIdx.x);
    if (sum_rows_ && threadIdx.x < kWarpgroupSize) {
      for (int i = static_cast<int>(threadIdx.x); i < 8 * 64; i += kWarpgroupSize) {
        shared.ones.element[i] = from_float<T>(1.0f);
      }
    }
    const auto multiply = [&](auto with_rows) {
      warpgroup_fence_sums(sums.block);
      if constexpr (decltype(with_rows)::value) warpgroup_fence_sums(sums.rows);
      go_along_k<true, kK>(shared.stage, feed_a, feed_b, part, [&](const Stage& stage) {
        begin_stage<Source, decltype(with_rows)::value>(sums, stage, shared.ones);
      });
    };
    if (sum_rows_) {
      multiply(std::true_type{});
    } else {
      multiply(std::false_type{});
    }
    // These fences are not in `multiply`: there, after each loop, they would make nvcc 13 generate
    // 50 more instructions per step.
    warpgroup_fence_sums(sums.block);
    warpgroup_fence_sums(sums.rows);
  }

  HS_DEVICE void put_elements(ResultTile<kM, kN>& result, const Sums& sums) const {
    const int row = first_row(), column = n_ + static_cast<int>(lane_id()) % 4 * 2;
    HS_UNROLL for (int j = 0; j < kGroupN / 8; ++j) {
      const float* block = sums.block + 4 * j;
      store(result.at(row, column + 8 * j), Vector<float, 2>{{block[0], block[1]}});
      store(result.at(row + 8, column + 8 * j), Vector<float, 2>{{block[2], block[3]}});
    }
  }

  template <class Put>
  HS_DEVICE void put_row_sums(const Sums& sums, const Put& put) const {
    if (!sum_rows_ || n_ != 0 || lane_id() % 4 != 0) return;
    put(first_row(), sums.rows[0]);
    put(first_row() + 8, sums.rows[2]);
  }

 private:
  // The row of the tile at which the thread's elements begin.
  HS_DEVICE int first_row() const {
    return m_ + static_cast<int>(warp_id()) % 4 * 16 + static_cast<int>(lane_id()) / 4;
  }

  // Starts the products of a stage, for the warpgroup whose part of the tile begins at (m_, n_).
  template <class Source, bool kSumRows, class Stage, class Ones>
  HS_DEVICE void begin_stage(Sums& sums, const Stage& stage, const Ones& ones) const {
    constexpr bool kA = Source::kTransposeA, kB = Source::kTransposeB;
    // Bytes from one product to the next along k: within rows of 128 bytes if these run along k,
    // otherwise kWarpgroupDepth rows.
    constexpr unsigned kAlongRow = kWarpgroupDepth * sizeof(T), kAlongRows = kWarpgroupDepth * 128;
    const SharedOperand a = kA ? stage.a.operand(0, m_) : stage.a.operand(m_, 0);
    const SharedOperand b = kB ? stage.b.operand(n_, 0) : stage.b.operand(0, n_);
    warpgroup_arrive();
    HS_UNROLL for (unsigned i = 0; i < kK / kWarpgroupDepth; ++i) {
      const SharedOperand of_a = a.advanced(i * (kA ? kAlongRows : kAlongRow));
      const SharedOperand of_b = b.advanced(i * (kB ? kAlongRow : kAlongRows));
      warpgroup_multiply<T, kA, !kB, kGroupN>(sums.block, of_a, of_b);
      if constexpr (kSumRows) {
        warpgroup_multiply<T, kA, false, 8>(sums.rows, of_a, ones.operand(0, 0));
      }
    }
    warpgroup_commit();
  }

  bool sum_rows_;
  int m_, n_;
};

template <class T>
struct Wgmma {
  template <class Source>
  static hs_status run(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args,
                       const typename Source::Parameters& parameters) {
    const auto launch_tile = [&](auto tile) {
      return launch_tiles<WgmmaEngine<T, decltype(tile)>, Source>(stream, plan, args, parameters);
    };
    if constexpr (Source::kOperands == Operands::kMatrices) {
      return with_tile<WgmmaWide, WgmmaMedium, WgmmaTall, WgmmaFlat, WgmmaLittle>(plan,
                                                                                  launch_tile);
    } else {
      return with_tile<WgmmaWide, WgmmaMedium, WgmmaTall, WgmmaLittle>(plan, launch_tile);
    }
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_ENGINE_WGMMA_H
