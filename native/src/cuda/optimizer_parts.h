// Shared by the optimizers' kernels: cuts the arena into runs of parameters with the same values.
#ifndef HALFSTEP_CUDA_OPTIMIZER_PARTS_H
#define HALFSTEP_CUDA_OPTIMIZER_PARTS_H

#include "numerics/optimizer.h"

#include "core/kernels.h"
#include "cuda/elementwise.h"
#include "cuda/launch.h"
#include "cuda/stream.h"

namespace hs::cuda {

constexpr unsigned kArenaThreads = 256;
constexpr int kArenaVector = 4;
constexpr std::int64_t kArenaTile = std::int64_t{kArenaThreads} * kArenaVector;
constexpr int kArenaBlocks = 8;  // of a multiprocessor

// The values that the parameters [begin, end) share.
struct Treatment {
  std::int64_t begin, end;
  std::int32_t segment;
  float rate, weight_decay;
  bool copied;
};

// The number of the first segment that ends after `i`.
HS_DEVICE std::int32_t first_segment(const OptimizerStepArgs& args, std::int64_t i) {
  std::int32_t low = 0, high = args.segment_count;
  while (low < high) {
    std::int32_t middle = low + (high - low) / 2;
    const hs_segment& segment = args.segments[middle];
    if (segment.offset + segment.count <= i) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// The values for the vector that begins at `i`. Segments begin at multiples of a vector, so a vector
// lies in at most one. The search starts at `segment`, which must not lie after the vector.
HS_DEVICE Treatment treatment_at(const OptimizerStepArgs& args, std::int32_t segment,
                                 std::int64_t i) {
  if (args.segments == nullptr) {
    return {0, args.count, 0, 1, args.desc.weight_decay, args.copy != nullptr};
  }
  for (; segment < args.segment_count; ++segment) {
    const hs_segment& s = args.segments[segment];
    if (s.offset + s.count <= i) continue;
    if (s.flags & HS_SEGMENT_FROZEN) break;
    std::int64_t end = s.offset + s.count < args.count ? s.offset + s.count : args.count;
    bool copied = args.copy != nullptr && (s.flags & HS_SEGMENT_COPY) != 0;
    return {s.offset, end, segment, s.rate, s.weight_decay, copied};
  }
  return {0, 0, 0, 0, 0, false};
}

template <int kCount>
HS_DEVICE void store_copy(const OptimizerStepArgs& args, std::int64_t i, const float (&p)[kCount]) {
  if (args.desc.copy_type == HS_F32) {
    store_elements(static_cast<float*>(args.copy) + i, p);
  } else if (args.desc.copy_type == HS_BF16) {
    store_elements(static_cast<Bf16*>(args.copy) + i, p);
  } else {
    store_elements(static_cast<F16*>(args.copy) + i, p);
  }
}

// Calls body(i, Elements<n>, treatment) for the elements of [begin, end) that are updated, divided
// among the block's threads: n = kArenaVector if the arenas are aligned to 16 bytes (kAligned) and
// the vector lies in one segment, otherwise n = 1. [begin, end) is at most a tile, and `begin` is a
// multiple of a tile.
template <bool kAligned, class Body>
HS_DEVICE void for_arena(const OptimizerStepArgs& args, std::int64_t begin, std::int64_t end,
                         const Body& body) {
  std::int32_t segment = first_segment(args, begin);
  std::int64_t i = begin + threadIdx.x * kArenaVector;
  Treatment treatment = treatment_at(args, segment, i);
  if (treatment.end > end) treatment.end = end;
  if (kAligned && treatment.begin <= i && i + kArenaVector <= treatment.end) {
    body(i, Elements<kArenaVector>{}, treatment);
    return;
  }
  for (std::int64_t e = i; e < i + kArenaVector; ++e) {
    if (treatment.begin <= e && e < treatment.end) body(e, Elements<1>{}, treatment);
  }
}

// The factors that all elements of a step share, computed by the first thread.
HS_DEVICE void share_factors(const OptimizerStepArgs& args, StepFactors& shared HS_AND_CALLER) {
  if (threadIdx.x == 0) {
    shared = step_factors(args.desc, args.state, args.schedule, [](double x) { return sqrt(x); });
    bool scheduled = args.schedule == nullptr || schedule_row(*args.state, args.schedule);
    if (blockIdx.x == 0 && !scheduled) {
      atomicOr(&args.state->error, static_cast<unsigned>(HS_ERROR_SCHEDULE));
    }
  }
  __syncthreads(HS_CALLER_ONLY);
}

inline bool aligned_arenas(const OptimizerStepArgs& args) {
  return aligned(args.parameters) && aligned(args.gradients) && aligned(args.moment1) &&
         aligned(args.moment2) && aligned(args.copy);
}

// LARS and LAMB: optimizer_layers.cu.
hs_status layer_step(const Stream& stream, const OptimizerStepArgs& args);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_OPTIMIZER_PARTS_H
