// One update of the whole parameter arena, and the pass over the gradients before it. Bound by
// memory: for each parameter AdamW reads 16 bytes and writes 12 (a copy: 2 or 4 more), SGD reads 12
// and writes 8 with momentum, 8 and 4 without; the check reads 4. Floor: bytes / (memory bandwidth).
// A step that is recorded after the product that computes its gradients updates each part of them
// while a core has that part in its caches (matmul_update).
//
// AdamW over 100 M parameters takes 54 to 60 ms, 47 to 52 GB/s, where y = a x + y reaches 50 to 55
// (two cores of an AMD EPYC with AVX-512, 2026-11-27; what the machine's other guests leave of the
// memory moves all of these by a fifth). One core alone takes 58 to 70, so arithmetic does not
// bind. Prefetches by hand and stores past the caches were no faster.
#include "cpu/kernels/optimizer.h"

#include "cpu/kernels/matmul.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kLongSpan = 256 << 10;
constexpr int64_t kMaxPartials = 256;
constexpr int64_t kFewSamples = 8;  // up to this many, gradients are updated part by part

template <class To>
void adamw_run(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = with_rate(factors, run.rate);  // a copy that no store can alias
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
void adam_run(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = with_rate(factors, run.rate);
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
void sgd_run(const OptimizerStepArgs& args, const StepFactors& factors, const Run& run) {
  const StepFactors f = with_rate(factors, run.rate);
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

using RunUpdate = void (*)(const OptimizerStepArgs&, const StepFactors&, const Run&);

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

double ns_per_parameter(const OptimizerStepArgs& args) {
  const int64_t moments = (args.moment1 != nullptr) + (args.moment2 != nullptr);
  return static_cast<double>(12 + 8 * moments + (args.copy != nullptr ? 4 : 0)) * kNsPerByte;
}

// The factors of a step. Sets the state's error if the schedule has no row for the step.
StepFactors begin_step(const OptimizerStepArgs& args) {
  if (args.schedule != nullptr && schedule_row(*args.state, args.schedule) == nullptr) {
    args.state->error |= HS_ERROR_SCHEDULE;
  }
  return step_factors(args.desc, args.state, args.schedule,
                      [](double x) { return __builtin_sqrt(x); });
}

// Cuts a small arena into eighths, so that two or four threads get equal shares. A large one is cut
// into longer spans, because the processor's prefetchers start anew at the beginning of each.
int64_t update_span(int64_t count) {
  const int64_t part = count / 8 < kArenaSpan ? count / 8 : count / 64;
  const int64_t span = (part + 64) / 64 * 64;
  if (count / 8 < kArenaSpan) return span;
  return span < kArenaSpan ? kArenaSpan : span < kLongSpan ? span : kLongSpan;
}

// One step of a rule that moves each element by itself.
class ArenaUpdate {
 public:
  ArenaUpdate(const OptimizerStepArgs& args, const StepFactors& factors)
      : args_(args), factors_(factors), update_(select_update(args.desc)) {}

  // Parameters [begin, end), on this thread.
  void run(int64_t begin, int64_t end) const {
    for_runs(args_, begin, end, [&](const Run& run) { update_(args_, factors_, run); });
  }

  // Parameters [begin, end), on all threads.
  void run_all(int64_t begin, int64_t end) const {
    for_spans(end - begin, update_span(end - begin), ns_per_parameter(args_),
              [&](int64_t from, int64_t to) { run(begin + from, begin + to); });
  }

  // Updates the parameters whose gradients are one part of a product: rows x columns of
  // [.., row_size].
  void run_part(const float* gradients, int64_t rows, int64_t columns, int64_t row_size) const {
    const int64_t begin = gradients - args_.gradients;
    if (columns == row_size) return run(begin, begin + rows * columns);
    for (int64_t i = 0; i < rows; i++) run(begin + i * row_size, begin + i * row_size + columns);
  }

 private:
  const OptimizerStepArgs& args_;
  const StepFactors& factors_;
  RunUpdate update_;
};

typedef double vd __attribute__((vector_size(kLanes * 4)));

// The sum of squares in double, where the square of a float cannot overflow: the sum is finite if
// and only if all gradients are.
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

void optimizer_step(const OptimizerStepArgs& args) {
  const StepFactors factors = begin_step(args);
  if (!factors.perform) return;
  if (args.desc.rule == HS_LARS || args.desc.rule == HS_LAMB) return layer_step(args, factors);
  ArenaUpdate(args, factors).run_all(0, args.count);
}

// Updates the weights as soon as each part of their gradients is computed, so that the pool runs one
// job instead of two and the gradients stay in the caches. The step of 1000-100-2 took 0.83 of its time with 1 sample and
// 0.90 with 8; from 16 on, where the parts of the product are cut by columns, it took longer (1.09
// with 16, 1.39 with 64; medians of 5 pairs on two cores with AVX-512, 2026-11-22).
void matmul_update(const MatmulUpdateArgs& args) {
  if (args.product.desc.k > kFewSamples) {
    matmul(args.product);
    return optimizer_step(args.update);
  }
  const StepFactors factors = begin_step(args.update);
  if (!factors.perform) return matmul(args.product);
  const ArenaUpdate update(args.update, factors);
  const hs_matmul_desc& d = args.product.desc;
  struct Context {
    const ArenaUpdate& update;
    int64_t row_size;
  } context{update, d.n};
  matmul_in_parts(args.product, {[](void* to, const float* c, int64_t rows, int64_t columns) {
                                   const auto& self = *static_cast<const Context*>(to);
                                   self.update.run_part(c, rows, columns, self.row_size);
                                 },
                                 &context});
  const int64_t first = static_cast<const float*>(args.product.c) - args.update.gradients;
  update.run_all(0, first);
  update.run_all(first + d.m * d.n, args.update.count);
}

void gradient_check(const GradientCheckArgs& args) {
  // The count alone decides where spans end, and their sums are added in order.
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
