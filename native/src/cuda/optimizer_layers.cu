// optimizer_step by LARS and LAMB: first the norms of each segment, then the update scaled by their
// ratio.
//
// Bytes for each parameter: LARS reads 20 and writes 8, LAMB 28 and 12; a copy in the storage type 2
// or 4 more. Floor: bytes / bandwidth.
// Design: two launches. In the first, each block takes a span of the arena and writes one partial
// sum for each segment that the span touches: spans and segments are both in order, so the index
// span + segment is unique and leaves no gap. The block that finishes last adds them in a fixed
// order, one warp for each segment. The second launch updates as optimizer.cu does. Not yet measured on a GPU.
#include "core/error.h"
#include "cuda/optimizer_parts.h"
#include "cuda/reduce.h"

namespace hs::cuda {
namespace {

// Sums of squares of parameters, and of LARS's gradients or LAMB's directions.
struct Squares {
  double parameters, updates;
  HS_DEVICE Squares operator+(const Squares& o) const {
    return {parameters + o.parameters, updates + o.updates};
  }
};

// How the norms' launch cuts the arena; a span is a multiple of a tile.
struct SpanCut {
  std::int64_t span, spans;
  std::int32_t segments;
};

struct NormShared {
  StepFactors factors;
  BlockScratch<Squares> scratch;
  unsigned last;
};

struct Root {
  HS_DEVICE float operator()(float x) const { return sqrtf(x); }
};

// Adds the squares of elements [i, i + kCount). LAMB also updates the moments.
template <bool kLamb, int kCount>
HS_DEVICE void add_squares(const OptimizerStepArgs& args, const StepFactors& f, float weight_decay,
                           std::int64_t i, Squares& sum) {
  float p[kCount], u[kCount];
  load_elements(args.parameters + i, p);
  load_elements(args.gradients + i, u);
  HS_UNROLL for (float& e : u) e *= f.multiplier;
  if constexpr (kLamb) {
    float m[kCount], v[kCount];
    load_elements(args.moment1 + i, m);
    load_elements(args.moment2 + i, v);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      adam_moments(f, u[e], m[e], v[e]);
      u[e] = lamb_direction(f, weight_decay, p[e], m[e], v[e], Root{});
    }
    store_elements(args.moment1 + i, m);
    store_elements(args.moment2 + i, v);
  }
  HS_UNROLL for (int e = 0; e < kCount; ++e) {
    sum.parameters += static_cast<double>(p[e]) * p[e];
    sum.updates += static_cast<double>(u[e]) * u[e];
  }
}

// The part of segment `s` that lies in [begin, end); empty for a frozen one.
HS_DEVICE Treatment part_of(const OptimizerStepArgs& args, std::int32_t s, std::int64_t begin,
                            std::int64_t end) {
  if (args.segments == nullptr) return {begin, end, 0, 1, args.desc.weight_decay, false};
  const hs_segment& segment = args.segments[s];
  if (segment.flags & HS_SEGMENT_FROZEN) return {begin, begin, s, 0, 0, false};
  std::int64_t first = segment.offset > begin ? segment.offset : begin;
  std::int64_t last = segment.offset + segment.count;
  return {first, last < end ? last : end, s, segment.rate, segment.weight_decay, false};
}

// The sum of a segment's partial sums, computed by a warp.
HS_DEVICE Squares sum_partials(const OptimizerStepArgs& args, const SpanCut& cut, std::int32_t s,
                               const Squares* partials) {
  const Treatment whole = part_of(args, s, 0, args.count);
  Squares sum{};
  if (whole.begin < whole.end) {
    std::int64_t last = (whole.end - 1) / cut.span;
    for (std::int64_t span = whole.begin / cut.span + lane_id(); span <= last; span += kWarpSize) {
      sum = sum + load_from_l2(&partials[span + s]);
    }
  }
  return warp_reduce(sum, Sum<Squares>{});
}

// Writes the norms to `norms`, [2, segments].
template <bool kLamb, bool kAligned>
HS_KERNEL void __launch_bounds__(kArenaThreads)
    find_norms(const OptimizerStepArgs args, const SpanCut cut, double* norms, void* workspace) {
  NormShared& shared = shared_memory<NormShared>();
  share_factors(args, shared.factors);
  const StepFactors f = shared.factors;
  if (!f.perform) return;
  auto* grid = static_cast<GridWorkspace*>(workspace);
  Squares* partials = grid->partials<Squares>();
  std::int64_t begin = blockIdx.x * cut.span;
  std::int64_t end = begin + cut.span < args.count ? begin + cut.span : args.count;
  for (std::int32_t s = args.segments != nullptr ? first_segment(args, begin) : 0; s < cut.segments;
       ++s) {
    const Treatment part = part_of(args, s, begin, end);
    if (args.segments != nullptr && args.segments[s].offset >= end) break;
    if (part.begin >= part.end) continue;
    Squares sum{};
    std::int64_t whole = part.begin;
    if (kAligned) whole += (part.end - part.begin) / kArenaVector * kArenaVector;
    for (std::int64_t i = part.begin + threadIdx.x * kArenaVector; i < whole; i += kArenaTile) {
      add_squares<kLamb, kArenaVector>(args, f, part.weight_decay, i, sum);
    }
    for (std::int64_t i = whole + threadIdx.x; i < part.end; i += kArenaThreads) {
      add_squares<kLamb, 1>(args, f, part.weight_decay, i, sum);
    }
    sum = block_reduce<kArenaThreads>(sum, Sum<Squares>{}, shared.scratch);
    if (threadIdx.x == 0) partials[blockIdx.x + s] = sum;
  }
  if (!last_to_finish(grid->counters[0], gridDim.x, shared.last)) return;
  for (auto s = static_cast<std::int32_t>(warp_id()); s < cut.segments;
       s += static_cast<std::int32_t>(kArenaThreads / kWarpSize)) {
    const Squares sum = sum_partials(args, cut, s, partials);
    if (lane_id() == 0) {
      norms[s] = sqrt(sum.parameters);
      norms[cut.segments + s] = sqrt(sum.updates);
    }
  }
}

// Updates elements [i, i + kCount), whose segment's update is scaled by `ratio`.
template <bool kLamb, int kCount>
HS_DEVICE void update(const OptimizerStepArgs& args, const StepFactors& f,
                      const Treatment& treatment, float ratio, std::int64_t i) {
  float p[kCount], m[kCount];
  load_elements(args.parameters + i, p);
  load_elements(args.moment1 + i, m);
  if constexpr (kLamb) {
    float v[kCount];
    load_elements(args.moment2 + i, v);
    float rate = f.learning_rate * ratio;
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      p[e] -= rate * lamb_direction(f, treatment.weight_decay, p[e], m[e], v[e], Root{});
    }
  } else {
    float g[kCount];
    load_elements(args.gradients + i, g);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      lars(f, treatment.weight_decay, ratio, g[e], p[e], m[e]);
    }
    store_elements(args.moment1 + i, m);
  }
  store_elements(args.parameters + i, p);
  if (treatment.copied) store_copy(args, i, p);
}

struct UpdateShared {
  StepFactors factors;
};

template <bool kLamb, bool kAligned>
HS_KERNEL void __launch_bounds__(kArenaThreads)
    update_layers(const OptimizerStepArgs args, std::int32_t segments, const double* norms) {
  UpdateShared& shared = shared_memory<UpdateShared>();
  share_factors(args, shared.factors);
  const StepFactors f = shared.factors;
  if (!f.perform) return;
  for (std::int64_t tile = blockIdx.x * kArenaTile; tile < args.count;
       tile += gridDim.x * kArenaTile) {
    for_arena<kAligned>(args, tile, args.count, [&](std::int64_t i, auto n, const Treatment& t) {
      double of_parameters = norms[t.segment], of_updates = norms[segments + t.segment];
      double ratio = kLamb ? lamb_ratio(of_parameters, of_updates)
                           : lars_ratio(args.desc, left_out_of_decay(args.segments, t.segment),
                                        t.weight_decay, of_parameters, of_updates);
      update<kLamb, n.value>(args, with_rate(f, t.rate), t, static_cast<float>(ratio), i);
    });
  }
}

template <bool kLamb, bool kAligned>
hs_status launch_layers(const Stream& stream, const OptimizerStepArgs& args, const SpanCut& cut) {
  const std::size_t partial_bytes =
      static_cast<std::size_t>(cut.spans + cut.segments) * sizeof(Squares);
  void* workspace = nullptr;
  // Arenas without segments keep their norms after the partial sums.
  hs_status status = reserve_workspace(stream, partial_bytes + 2 * sizeof(double), &workspace);
  if (status != HS_OK) return status;
  double* norms = args.segments != nullptr
                      ? args.workspace
                      : reinterpret_cast<double*>(static_cast<char*>(workspace) + kCounterBytes +
                                                  partial_bytes);
  LaunchShape shape{.name = "find_norms",
                    .grid = {static_cast<unsigned>(cut.spans)},
                    .block = {kArenaThreads},
                    .shared_bytes = sizeof(NormShared)};
  status = launch(stream, shape, find_norms<kLamb, kAligned>, args, cut, norms, workspace);
  if (status != HS_OK) return status;
  shape = {.name = "update_layers",
           .grid = {blocks_for(stream, args.count, kArenaTile, kArenaBlocks)},
           .block = {kArenaThreads},
           .shared_bytes = sizeof(UpdateShared)};
  return launch(stream, shape, update_layers<kLamb, kAligned>, args, cut.segments, norms);
}

}  // namespace

hs_status layer_step(const Stream& stream, const OptimizerStepArgs& args) {
  SpanCut cut{0, 0, args.segments != nullptr ? args.segment_count : 1};
  std::int64_t blocks = blocks_for(stream, args.count, kArenaTile, kArenaBlocks);
  std::int64_t tiles = (args.count + kArenaTile - 1) / kArenaTile;
  cut.span = (tiles + blocks - 1) / blocks * kArenaTile;
  cut.spans = (args.count + cut.span - 1) / cut.span;
  constexpr std::size_t kRoom = (kWorkspaceBytes - kResultBytes - kCounterBytes) / sizeof(Squares);
  if (static_cast<std::size_t>(cut.spans + cut.segments) > kRoom) {
    return fail(HS_UNSUPPORTED, "optimizer_step: %d segments: LARS and LAMB can have %lld here",
                cut.segments, static_cast<long long>(kRoom) - static_cast<long long>(cut.spans));
  }
  bool is_aligned = aligned_arenas(args);
  if (args.desc.rule == HS_LAMB) {
    return is_aligned ? launch_layers<true, true>(stream, args, cut)
                      : launch_layers<true, false>(stream, args, cut);
  }
  return is_aligned ? launch_layers<false, true>(stream, args, cut)
                    : launch_layers<false, false>(stream, args, cut);
}

}  // namespace hs::cuda
