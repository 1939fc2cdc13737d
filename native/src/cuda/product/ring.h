// The ring of stages in shared memory: asynchronous copies fill stages with tiles of A and B while
// earlier ones are multiplied.
#ifndef HALFSTEP_CUDA_PRODUCT_RING_H
#define HALFSTEP_CUDA_PRODUCT_RING_H

#include <cstdint>

#include "cuda/product/part.h"
#include "cuda/ptx/async_copy.h"
#include "cuda/ptx/warpgroup.h"

namespace hs::cuda {

// Loops over k in steps of kDepth. In each step the feeds copy tiles to one stage, and
// multiply(stage) is called for an earlier stage, when it is complete for all threads. If
// kUnitsRead, multiply() only starts the products (wgmma), and the units read the stage until the
// next step; so one stage less is filled ahead.
template <bool kUnitsRead, int kDepth, class Stage, int kStages, class FeedA, class FeedB,
          class Multiply>
HS_DEVICE void go_along_k(Stage (&stages)[kStages], const FeedA& feed_a, const FeedB& feed_b,
                          const BlockPart& part, const Multiply& multiply) {
  constexpr int kAhead = kUnitsRead ? kStages - 2 : kStages - 1;
  static_assert(kAhead >= 1);
  int next_stage = 0, stage = 0;
  const auto multiply_next = [&] {
    multiply(stages[stage]);
    stage = stage + 1 < kStages ? stage + 1 : 0;
  };
  // The first steps only copy and the last ones only multiply. They are part of the same loop,
  // since fetching extra code for them would take time too.
  const std::int64_t first_full = part.k_begin + kAhead * kDepth;
  const std::int64_t last_full = part.k_end + kAhead * kDepth;
  for (std::int64_t k = part.k_begin; k < last_full; k += kDepth) {
    if (k >= first_full) {
      cp_async_wait<kAhead - 1>();
      if constexpr (kUnitsRead) fence_shared_for_units();
      // The stage of this step is complete for all threads, and all have finished with the stage
      // that is filled next.
      __syncthreads();
      if constexpr (kUnitsRead) multiply_next();
    }
    if (k < part.k_end) {
      feed_a.bring(stages[next_stage].a, k);
      feed_b.bring(stages[next_stage].b, k);
    }
    cp_async_commit();  // one group per step, even if it is empty
    next_stage = next_stage + 1 < kStages ? next_stage + 1 : 0;
    if constexpr (kUnitsRead) {
      warpgroup_wait<1>();  // waits for the products of the previous step
    } else if (k >= first_full) {
      multiply_next();
    }
  }
  cp_async_wait<0>();
  if constexpr (kUnitsRead) warpgroup_wait<0>();
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_RING_H
