// Shared by the optimizers' files: cuts the arena into runs of parameters with the same values.
#ifndef HALFSTEP_CPU_KERNELS_OPTIMIZER_H
#define HALFSTEP_CPU_KERNELS_OPTIMIZER_H

#include "numerics/optimizer.h"

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {

inline constexpr int64_t kArenaSpan = 16 << 10;

// Consecutive parameters of one segment.
struct Run {
  int64_t begin, end;
  int32_t segment;
  float rate, weight_decay;
  bool copied;
  float ratio;  // of LARS and LAMB
};

// The first segment that ends after `begin`.
HS_INLINE int32_t first_segment(const OptimizerStepArgs& args, int64_t begin) {
  int32_t low = 0, high = args.segment_count;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    const hs_segment& segment = args.segments[middle];
    if (segment.offset + segment.count <= begin) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Calls fn(run) for each run in [begin, end) that is not frozen, with ratio 1.
template <class Fn>
HS_INLINE void for_runs(const OptimizerStepArgs& args, int64_t begin, int64_t end, const Fn& fn) {
  if (args.segments == nullptr) {
    fn(Run{begin, end, 0, 1, args.desc.weight_decay, args.copy != nullptr, 1});
    return;
  }
  for (int32_t s = first_segment(args, begin); s < args.segment_count; s++) {
    const hs_segment& segment = args.segments[s];
    if (segment.offset >= end) break;
    if (segment.flags & HS_SEGMENT_FROZEN) continue;
    const int64_t segment_end = segment.offset + segment.count;
    fn(Run{segment.offset > begin ? segment.offset : begin, segment_end < end ? segment_end : end,
           s, segment.rate, segment.weight_decay,
           args.copy != nullptr && (segment.flags & HS_SEGMENT_COPY) != 0, 1});
  }
}

// `To` is the storage type of the copy.
template <class To>
HS_INLINE void store_copy(const OptimizerStepArgs& args, bool copied, int64_t i, vf p, auto lanes) {
  if (copied) store(static_cast<To*>(args.copy) + i, p, lanes);
}

// LARS and LAMB: optimizer_layers.cpp.
void layer_step(const OptimizerStepArgs& args, const StepFactors& factors);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_OPTIMIZER_H
