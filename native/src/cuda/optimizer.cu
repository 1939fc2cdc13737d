// optimizer_step: one update of the whole parameter arena. gradient_check: one pass over the
// gradients before it, for their norm and whether they are finite.
//
// Bytes of a parameter: AdamW reads 16 and writes 12, SGD with momentum 12 and 8, without 8 and 4; a
// copy in the storage type 2 or 4 more; the check reads 4. Floor: bytes / bandwidth.
// Design: tiles of four elements a thread in 16-byte accesses; a block finds the segment in which a
// tile begins by bisection, threads walk on from there; what all elements have in common (bias
// corrections, learning rate, multiplier) one thread of a block computes from device memory. The
// check sums squares in double, in which no square of a float overflows: the sum is finite if and
// only if all gradients are. Not yet measured on a GPU.
#include "numerics/optimizer.h"

#include "core/error.h"
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/reduce.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kVector = 4;
constexpr int kBlocksPerMultiprocessor = 8;

// How a run of parameters is treated; `begin` and `end` bound it.
struct Treatment {
  std::int64_t begin, end;
  float weight_decay;
  bool copied;
};

// The number of the first segment that ends behind `i`.
HS_DEVICE std::int32_t first_segment(const OptimizerArgs& args, std::int64_t i) {
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

// How the vector that begins at `i` is treated: segments begin at multiples of a vector, so it lies
// in one at most. `segment` is one that does not lie behind it.
HS_DEVICE Treatment treatment_at(const OptimizerArgs& args, std::int32_t segment, std::int64_t i) {
  if (args.segments == nullptr) {
    return {0, args.count, args.desc.weight_decay, args.copy != nullptr};
  }
  for (; segment < args.segment_count; ++segment) {
    const hs_segment& s = args.segments[segment];
    if (s.offset + s.count <= i) continue;
    if (s.flags & HS_SEGMENT_FROZEN) break;
    std::int64_t end = s.offset + s.count;
    return {s.offset, end < args.count ? end : args.count, s.weight_decay,
            args.copy != nullptr && (s.flags & HS_SEGMENT_COPY) != 0};
  }
  return {0, 0, 0, false};
}

template <int kCount>
HS_DEVICE void store_copy(const OptimizerArgs& args, std::int64_t i, const float (&p)[kCount]) {
  if (args.desc.copy_type == HS_F32) {
    store_elements(static_cast<float*>(args.copy) + i, p);
  } else if (args.desc.copy_type == HS_BF16) {
    store_elements(static_cast<Bf16*>(args.copy) + i, p);
  } else {
    store_elements(static_cast<F16*>(args.copy) + i, p);
  }
}

// Updates elements [i, i + kCount).
template <hs_rule kRule, int kCount>
HS_DEVICE void update(const OptimizerArgs& args, const StepFactors& f, const Treatment& treatment,
                      std::int64_t i) {
  float p[kCount], g[kCount];
  load_elements(args.parameters + i, p);
  load_elements(args.gradients + i, g);
  if constexpr (kRule == HS_ADAMW) {
    float m[kCount], v[kCount];
    load_elements(args.moment1 + i, m);
    load_elements(args.moment2 + i, v);
    float decay = 1.0f - f.learning_rate * treatment.weight_decay;
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      adamw(f, decay, g[e], p[e], m[e], v[e], [](float x) { return sqrtf(x); });
    }
    store_elements(args.moment1 + i, m);
    store_elements(args.moment2 + i, v);
  } else if (args.moment1 != nullptr) {
    float v[kCount];
    load_elements(args.moment1 + i, v);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      sgd_momentum(f, args.desc.nesterov != 0, treatment.weight_decay, g[e], p[e], v[e]);
    }
    store_elements(args.moment1 + i, v);
  } else {
    HS_UNROLL for (int e = 0; e < kCount; ++e) sgd(f, treatment.weight_decay, g[e], p[e]);
  }
  store_elements(args.parameters + i, p);
  if (treatment.copied) store_copy(args, i, p);
}

struct UpdateShared {
  StepFactors factors;
};

// kAligned: the arenas are aligned to 16 bytes.
template <hs_rule kRule, bool kAligned>
HS_KERNEL void __launch_bounds__(kThreads) update_arena(const OptimizerArgs args) {
  UpdateShared& shared = shared_memory<UpdateShared>();
  if (threadIdx.x == 0) {
    shared.factors =
        step_factors(args.desc, args.state, args.schedule, [](double x) { return sqrt(x); });
    bool scheduled = args.schedule == nullptr || schedule_row(*args.state, args.schedule);
    if (blockIdx.x == 0 && !scheduled) {
      atomicOr(&args.state->error, static_cast<unsigned>(HS_ERROR_SCHEDULE));
    }
  }
  __syncthreads();
  const StepFactors f = shared.factors;
  if (!f.perform) return;
  constexpr std::int64_t kTile = std::int64_t{kThreads} * kVector;
  for (std::int64_t tile = blockIdx.x * kTile; tile < args.count; tile += gridDim.x * kTile) {
    std::int32_t segment = first_segment(args, tile);
    std::int64_t i = tile + threadIdx.x * kVector;
    Treatment treatment = treatment_at(args, segment, i);
    if (kAligned && treatment.begin <= i && i + kVector <= treatment.end) {
      update<kRule, kVector>(args, f, treatment, i);
      continue;
    }
    for (std::int64_t e = i; e < i + kVector; ++e) {
      if (treatment.begin <= e && e < treatment.end) update<kRule, 1>(args, f, treatment, e);
    }
  }
}

struct CheckShared {
  BlockScratch<double> scratch;
  unsigned last;
};

template <int kCount>
HS_KERNEL void __launch_bounds__(kThreads)
    sum_squares(const GradientCheckArgs args, void* workspace) {
  CheckShared& shared = shared_memory<CheckShared>();
  double sum = 0;
  for_chunks<kCount>(args.count, [&](std::int64_t i, auto n) {
    float g[n.value];
    load_elements(args.gradients + i, g);
    HS_UNROLL for (float x : g) sum += static_cast<double>(x) * static_cast<double>(x);
  });
  sum = block_reduce<kThreads>(sum, Sum<double>{}, shared.scratch);
  if (!grid_reduce<kThreads>(&sum, Sum<double>{}, workspace, shared.scratch, shared.last)) return;
  if (threadIdx.x == 0) {
    end_gradient_check(*args.state, sum, sqrt(sum), args.weight_units, args.max_norm);
  }
}

}  // namespace

hs_status optimizer_step(void* queue_of_call, const OptimizerArgs& args) {
  if (args.desc.rule != HS_SGD && args.desc.rule != HS_ADAMW) {
    return fail(HS_UNSUPPORTED,
                "optimizer_step: CUDA devices have the rules SGD and ADAMW: use device cpu");
  }
  if (args.count == 0) return HS_OK;
  const Queue& queue = as_queue(queue_of_call);
  bool vectors = aligned(args.parameters) && aligned(args.gradients) && aligned(args.moment1) &&
                 aligned(args.moment2) && aligned(args.copy);
  LaunchShape shape{
      .name = "update_arena", .block = {kThreads}, .shared_bytes = sizeof(UpdateShared)};
  shape.grid.x =
      blocks_for(queue, args.count, std::int64_t{kThreads} * kVector, kBlocksPerMultiprocessor);
  if (args.desc.rule == HS_ADAMW) {
    return launch(queue, shape,
                  vectors ? update_arena<HS_ADAMW, true> : update_arena<HS_ADAMW, false>, args);
  }
  if (args.desc.rule == HS_SGD) {
    return launch(queue, shape, vectors ? update_arena<HS_SGD, true> : update_arena<HS_SGD, false>,
                  args);
  }
  return fail(HS_UNSUPPORTED,
              "optimizer_step: rule %d does not run on CUDA devices: SGD and AdamW do",
              args.desc.rule);
}

hs_status gradient_check(void* queue_of_call, const GradientCheckArgs& args) {
  const Queue& queue = as_queue(queue_of_call);
  LaunchShape shape = elementwise_shape("sum_squares", queue, args.count, kChunk);
  shape.shared_bytes = sizeof(CheckShared);
  return launch(queue, shape, aligned(args.gradients) ? sum_squares<kChunk> : sum_squares<1>, args,
                queue.workspace);
}

}  // namespace hs::cuda
