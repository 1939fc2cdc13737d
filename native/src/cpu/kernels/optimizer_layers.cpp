// LARS and LAMB: first the norms of each segment, then the update scaled by their ratio. Bound by
// memory: for each parameter LARS reads 20 bytes and writes 8, LAMB 28 and 12; a copy 2 or 4 more.
//
// A span of the arena gives one partial sum for each segment that it touches. Spans and segments
// are both in order, so the index span + segment is unique and leaves no gap. The partial sums of a
// segment are added in order.
#include "cpu/kernels/optimizer.h"

namespace hs::cpu::HS_ISA {
namespace {

struct Squares {
  double parameters, updates;  // updates: LARS's gradients, LAMB's directions
};

constexpr auto kRoot = [](vf x) { return sqrt(x); };

Squares lars_squares(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const float multiplier = factors.multiplier;
  vw parameters{}, gradients{};
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    const vw p = __builtin_convertvector(load(args.parameters + i, lanes), vw);
    const vw g = __builtin_convertvector(load(args.gradients + i, lanes) * multiplier, vw);
    parameters += p * p;
    gradients += g * g;
  });
  return {total_of(parameters), total_of(gradients)};
}

// Also updates the moments.
Squares lamb_squares(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = factors;  // a copy that no store can alias
  vw parameters{}, directions{};
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    const vf p = load(args.parameters + i, lanes);
    vf m = load(args.moment1 + i, lanes);
    vf v = load(args.moment2 + i, lanes);
    adam_moments(f, load(args.gradients + i, lanes) * f.multiplier, m, v);
    store(args.moment1 + i, m, lanes);
    store(args.moment2 + i, v, lanes);
    const vf direction = lamb_direction(f, run.weight_decay, p, m, v, kRoot);
    const vw wide_p = __builtin_convertvector(p, vw);
    const vw wide_u = __builtin_convertvector(keep(direction, vf{}, lanes), vw);
    parameters += wide_p * wide_p;
    directions += wide_u * wide_u;
  });
  return {total_of(parameters), total_of(directions)};
}

template <class To>
void lars_run(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = with_rate(factors, run.rate);
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    vf p = load(args.parameters + i, lanes);
    vf v = load(args.moment1 + i, lanes);
    lars(f, run.weight_decay, run.ratio, load(args.gradients + i, lanes), p, v);
    store(args.parameters + i, p, lanes);
    store(args.moment1 + i, v, lanes);
    store_copy<To>(args, run.copied, i, p, lanes);
  });
}

template <class To>
void lamb_run(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = with_rate(factors, run.rate);
  const float rate = f.learning_rate * run.ratio;
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    vf p = load(args.parameters + i, lanes);
    const vf m = load(args.moment1 + i, lanes), v = load(args.moment2 + i, lanes);
    p = p - rate * lamb_direction(f, run.weight_decay, p, m, v, kRoot);
    store(args.parameters + i, p, lanes);
    store_copy<To>(args, run.copied, i, p, lanes);
  });
}

// Writes the norms to `norms`, [2, segments].
void find_norms(const OptimizerStepArgs& args, const StepFactors& factors, double* norms) {
  const bool lamb = args.desc.rule == HS_LAMB;
  const int64_t spans = (args.count + kArenaSpan - 1) / kArenaSpan;
  const int64_t segments = args.segments != nullptr ? args.segment_count : 1;
  Squares* const partials = static_cast<Squares*>(
      thread_scratch(Scratch::kCall, (spans + segments) * static_cast<int64_t>(sizeof(Squares))));
  for_spans(args.count, kArenaSpan, (lamb ? 24 : 8) * kNsPerByte, [&](int64_t begin, int64_t end) {
    for_runs(args, begin, end, [&](const Run& run) {
      partials[begin / kArenaSpan + run.segment] =
          lamb ? lamb_squares(args, factors, run) : lars_squares(args, factors, run);
    });
  });
  for (int64_t s = 0; s < segments; s++) norms[s] = norms[segments + s] = 0;
  for (int64_t span = 0; span < spans; span++) {
    const int64_t begin = span * kArenaSpan, end = begin + kArenaSpan;
    for_runs(args, begin, end < args.count ? end : args.count, [&](const Run& run) {
      norms[run.segment] += partials[span + run.segment].parameters;
      norms[segments + run.segment] += partials[span + run.segment].updates;
    });
  }
  for (int64_t s = 0; s < 2 * segments; s++) {
    norms[s] = __builtin_sqrt(norms[s]);
  }
}

}  // namespace

void layer_step(const OptimizerStepArgs& args, const StepFactors& factors) {
  double single[2];
  double* const norms = args.segments != nullptr ? args.workspace : single;
  find_norms(args, factors, norms);
  const bool lamb = args.desc.rule == HS_LAMB;
  const int64_t segments = args.segments != nullptr ? args.segment_count : 1;
  with_storage(args.desc.copy_type, [&](auto type) {
    using To = typename decltype(type)::type;
    for_spans(args.count, kArenaSpan, 20 * kNsPerByte, [&](int64_t begin, int64_t end) {
      for_runs(args, begin, end, [&](const Run& part) {
        Run run = part;
        const double parameter_norm = norms[run.segment];
        const double update_norm = norms[segments + run.segment];
        run.ratio = static_cast<float>(
            lamb ? lamb_ratio(parameter_norm, update_norm)
                 : lars_ratio(args.desc, left_out_of_decay(args.segments, run.segment),
                              run.weight_decay, parameter_norm, update_norm));
        if (lamb) {
          lamb_run<To>(args, factors, run);
        } else {
          lars_run<To>(args, factors, run);
        }
      });
    });
  });
}

}  // namespace hs::cpu::HS_ISA
