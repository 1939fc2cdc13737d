// One update of the whole parameter arena, and the pass over the gradients before it. Bound by
// memory: AdamW reads 16 bytes a parameter and writes 12 (a copy: 2 or 4 more), SGD with momentum
// 12 and 8, without 8 and 4, the check reads 4. Floor: bytes / (memory bandwidth).
#include "cpu/kernels/optimizer.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kMaxPartials = 256;

template <class To>
void adamw_run(const OptimizerArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = factors;  // a copy that no store can alias
  const float decay = 1.0f - f.learning_rate * run.weight_decay;
  float* const parameters = args.parameters;
  const float* const gradients = args.gradients;
  float* const moment1 = args.moment1;
  float* const moment2 = args.moment2;
  const auto root = [](vf x) { return sqrt(x); };
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    vf p = load(parameters + i, lanes);
    vf m = load(moment1 + i, lanes);
    vf v = load(moment2 + i, lanes);
    adamw(f, decay, load(gradients + i, lanes), p, m, v, root);
    store(parameters + i, p, lanes);
    store(moment1 + i, m, lanes);
    store(moment2 + i, v, lanes);
    store_copy<To>(args, run.copied, i, p, lanes);
  });
}

template <class To>
void adam_run(const OptimizerArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = factors;
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    vf p = load(args.parameters + i, lanes);
    vf m = load(args.moment1 + i, lanes);
    vf v = load(args.moment2 + i, lanes);
    adam(f, run.weight_decay, load(args.gradients + i, lanes), p, m, v,
         [](vf x) { return sqrt(x); });
    store(args.parameters + i, p, lanes);
    store(args.moment1 + i, m, lanes);
    store(args.moment2 + i, v, lanes);
    store_copy<To>(args, run.copied, i, p, lanes);
  });
}

template <class To>
void sgd_run(const OptimizerArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = factors;
  const bool nesterov = args.desc.nesterov != 0;
  for_vectors(run.begin, run.end, [&](int64_t i, auto lanes) {
    vf p = load(args.parameters + i, lanes);
    const vf g = load(args.gradients + i, lanes);
    if (args.moment1 != nullptr) {
      vf v = load(args.moment1 + i, lanes);
      sgd_momentum(f, nesterov, run.weight_decay, g, p, v);
      store(args.moment1 + i, v, lanes);
    } else {
      sgd(f, run.weight_decay, g, p);
    }
    store(args.parameters + i, p, lanes);
    store_copy<To>(args, run.copied, i, p, lanes);
  });
}

using RunUpdate = void (*)(const OptimizerArgs&, const StepFactors&, const Run&);

RunUpdate select_update(const hs_optimizer_desc& desc) {
  RunUpdate update = nullptr;
  with_storage(desc.copy_type, [&](auto type) {
    using To = typename decltype(type)::type;
    update = desc.rule == HS_ADAMW  ? adamw_run<To>
             : desc.rule == HS_ADAM ? adam_run<To>
                                    : sgd_run<To>;
  });
  return update;
}

double ns_per_parameter(const OptimizerArgs& args) {
  const int64_t moments = (args.moment1 != nullptr) + (args.moment2 != nullptr);
  return static_cast<double>(12 + 8 * moments + (args.copy != nullptr ? 4 : 0)) * kNsPerByte;
}

typedef double vd __attribute__((vector_size(kLanes * 4)));

// The sum of squares in double, in which no square of a float overflows: it is finite if and only
// if all gradients are.
double sum_of_squares(const float* x, int64_t begin, int64_t end) {
  typedef float half __attribute__((vector_size(kLanes * 2)));
  vd sums[4] = {};
  int64_t i = begin;
  for (; i + 2 * kLanes <= end; i += 2 * kLanes) {
    for (int part = 0; part < 4; part++) {
      half h;
      __builtin_memcpy(&h, x + i + part * (kLanes / 2), sizeof h);
      const vd d = __builtin_convertvector(h, vd);
      sums[part] += d * d;
    }
  }
  const vd sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double total = 0;
  for (int lane = 0; lane < kLanes / 2; lane++) total += sum[lane];
  for (; i < end; i++) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

}  // namespace

void optimizer_step(const OptimizerArgs& args) {
  const StepFactors factors = step_factors(args.desc, args.state, args.schedule,
                                           [](double x) { return __builtin_sqrt(x); });
  if (args.schedule != nullptr && schedule_row(*args.state, args.schedule) == nullptr) {
    args.state->error |= HS_ERROR_SCHEDULE;
  }
  if (!factors.perform) return;
  if (args.desc.rule == HS_LARS || args.desc.rule == HS_LAMB) return layer_step(args, factors);
  const RunUpdate update = select_update(args.desc);
  // A small arena in eighths, so that two or four threads have the same share.
  const int64_t eighth = (args.count / 8 + 64) / 64 * 64;
  const int64_t span = eighth < kArenaSpan ? eighth : kArenaSpan;
  for_spans(args.count, span, ns_per_parameter(args), [&](int64_t begin, int64_t end) {
    for_runs(args, begin, end, [&](const Run& run) { update(args, factors, run); });
  });
}

void gradient_check(const GradientCheckArgs& args) {
  // Spans by the count alone, and their sums added in order.
  int64_t span = (args.count + kMaxPartials - 1) / kMaxPartials;
  span = span < kArenaSpan ? kArenaSpan : (span + 63) / 64 * 64;
  double partials[kMaxPartials] = {};
  for_spans(args.count, span, 4 * kNsPerByte, [&](int64_t begin, int64_t end) {
    partials[begin / span] = sum_of_squares(args.gradients, begin, end);
  });
  double total = 0;
  for (int64_t begin = 0; begin < args.count; begin += span) total += partials[begin / span];
  end_gradient_check(*args.state, total, __builtin_sqrt(total), args.weight_units, args.max_norm);
}

}  // namespace hs::cpu::HS_ISA
