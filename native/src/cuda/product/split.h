// Adds up the sums of a tile whose k several blocks share.
#ifndef HALFSTEP_CUDA_PRODUCT_SPLIT_H
#define HALFSTEP_CUDA_PRODUCT_SPLIT_H

#include "cuda/product/part.h"
#include "cuda/reduce.h"

namespace hs::cuda {

// Each block of a tile writes its sums to the workspace, and the last to finish adds them up in the
// order of the parts. Returns true in the threads of that block, with the totals in `sums`.
template <unsigned kThreads, int kCount>
HS_DEVICE bool sum_splits(float (&sums)[kCount], const BlockPart& part, const ProductCut& cut,
                          void* workspace, unsigned& last HS_AND_CALLER) {
  if (cut.splits == 1) return true;
  auto* grid = static_cast<GridWorkspace*>(workspace);
  float* parts = grid->template partials<float>() +
                 std::int64_t{part.number} * cut.splits * kCount * kThreads + threadIdx.x;
  HS_UNROLL for (int i = 0; i < kCount; ++i) {
    parts[(std::int64_t{part.split} * kCount + i) * kThreads] = sums[i];
  }
  if (!last_to_finish(grid->counters[part.number], cut.splits, last HS_PASS_CALLER)) return false;
  HS_UNROLL for (int i = 0; i < kCount; ++i) sums[i] = 0;
  for (unsigned split = 0; split < cut.splits; ++split) {
    HS_UNROLL for (int i = 0; i < kCount; ++i) {
      sums[i] += load_from_l2(&parts[(std::int64_t{split} * kCount + i) * kThreads]);
    }
  }
  return true;
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_SPLIT_H
