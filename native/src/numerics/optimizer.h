// The optimizers' update rules for one element, and the factors that all elements of a step share.
// Defined as in PyTorch: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019);
// Sutskever et al., "On the importance of initialization and momentum" (2013); Kingma and Ba,
// "Adam" (2015). Layer-wise rates: You et al., "Large batch training of convolutional networks"
// (2017, LARS) and "Large batch optimization for deep learning" (2020, LAMB).
#ifndef HALFSTEP_NUMERICS_OPTIMIZER_H
#define HALFSTEP_NUMERICS_OPTIMIZER_H

#include "halfstep.h"
#include "numerics/host_device.h"
#include "numerics/step.h"

namespace hs {

// The factors that all elements of one step share.
struct StepFactors {
  bool perform;      // false: nothing moves
  bool first;        // t = 1
  float multiplier;  // gradients are multiplied by it
  float learning_rate;
  float momentum;  // Adam: beta1
  float one_minus_beta1, beta2, one_minus_beta2;
  float step_size;     // learning_rate / (1 - beta1^t)
  float first_scale;   // 1 / (1 - beta1^t)
  float inverse_root;  // 1 / sqrt(1 - beta2^t)
  float eps;
};

// base^exponent, exponent >= 0, by repeated squaring: the same on every backend, as pow() is not.
HS_HOST_DEVICE double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

// Reads the state and the schedule, each of which may be null. Nothing is updated while the state
// has an error: a label or index outside its range has made the gradients wrong. `root` is the
// square root of a double.
template <class Root>
HS_HOST_DEVICE StepFactors step_factors(const hs_optimizer_desc& desc, const hs_step_state* state,
                                        const hs_schedule_row* schedule, Root root) {
  StepFactors f{};
  f.perform = true;
  f.multiplier = 1;
  f.learning_rate = desc.learning_rate;
  f.momentum = desc.momentum;
  int64_t t = desc.step > 0 ? desc.step : 1;
  if (state != nullptr) {
    t = state->performed + 1;
    f.perform = desc.checked == 0 || state->nonfinite == 0;
    f.multiplier = desc.checked != 0
                       ? state->multiplier
                       : unscale_multiplier(desc.weight_units, state->weight, state->loss_scale);
    if (schedule != nullptr) {
      if (const hs_schedule_row* row = schedule_row(*state, schedule); row != nullptr) {
        f.learning_rate = row->learning_rate;
        f.momentum = row->momentum;
      } else {
        f.perform = false;
      }
    }
    f.perform = f.perform && state->error == 0;  // read last: a step without a row sets it
  }
  f.first = t == 1;
  if (desc.rule == HS_ADAMW || desc.rule == HS_ADAM || desc.rule == HS_LAMB) {
    const double beta1 = f.momentum, beta2 = desc.beta2;
    f.one_minus_beta1 = static_cast<float>(1 - beta1);
    f.beta2 = desc.beta2;
    f.one_minus_beta2 = static_cast<float>(1 - beta2);
    f.step_size = static_cast<float>(f.learning_rate / (1 - power(beta1, t)));
    f.first_scale = static_cast<float>(1 / (1 - power(beta1, t)));
    f.inverse_root = static_cast<float>(1 / root(1 - power(beta2, t)));
    // (sqrt(v) + eps) / sqrt(1 - beta2^t) = sqrt(v^) + this.
    f.eps = desc.eps_before_debiasing != 0 ? desc.eps * f.inverse_root : desc.eps;
  }
  return f;
}

// The factors for a segment whose learning rate is multiplied by `rate`. A rate of 1 changes no bit.
HS_HOST_DEVICE StepFactors with_rate(const StepFactors& step, float rate) {
  StepFactors f = step;
  f.learning_rate *= rate;
  f.step_size *= rate;
  return f;
}

// The functions below update one element, or one vector of elements.

// Updates the moments of Adam and its relatives; g is the unscaled gradient.
template <class F>
HS_HOST_DEVICE void adam_moments(const StepFactors& f, F g, F& m, F& v) {
  m = m + f.one_minus_beta1 * (g - m);
  v = f.beta2 * v + f.one_minus_beta2 * (g * g);
}

// `decay` is 1 - learning_rate * weight_decay.
template <class F, class Root>
HS_HOST_DEVICE void adamw(const StepFactors& f, float decay, F gradient, F& p, F& m, F& v,
                          Root root) {
  adam_moments<F>(f, gradient * f.multiplier, m, v);
  p = decay * p - f.step_size * (m / (root(v) * f.inverse_root + f.eps));
}

template <class F, class Root>
HS_HOST_DEVICE void adam(const StepFactors& f, float weight_decay, F gradient, F& p, F& m, F& v,
                         Root root) {
  adam_moments<F>(f, gradient * f.multiplier + weight_decay * p, m, v);
  p = p - f.step_size * (m / (root(v) * f.inverse_root + f.eps));
}

// Without momentum: v is not touched.
template <class F>
HS_HOST_DEVICE void sgd(const StepFactors& f, float weight_decay, F gradient, F& p) {
  const F g = gradient * f.multiplier + weight_decay * p;
  p = p - f.learning_rate * g;
}

template <class F>
HS_HOST_DEVICE void sgd_momentum(const StepFactors& f, bool nesterov, float weight_decay,
                                 F gradient, F& p, F& v) {
  const F g = gradient * f.multiplier + weight_decay * p;
  v = f.first ? g : f.momentum * v + g;
  p = p - f.learning_rate * (nesterov ? g + f.momentum * v : v);
}

// Whether a segment never decays; without a table of segments all may.
HS_HOST_DEVICE bool left_out_of_decay(const hs_segment* segments, int32_t segment) {
  return segments != nullptr && (segments[segment].flags & HS_SEGMENT_NO_DECAY) != 0;
}

// The ratio by which LARS scales a segment's update, computed from the norms of its parameters and
// of its unscaled gradients. It is 1 for segments that never decay; a decay of 0 alone does not make
// it 1.
HS_HOST_DEVICE double lars_ratio(const hs_optimizer_desc& desc, bool left_out, float weight_decay,
                                 double parameter_norm, double gradient_norm) {
  if (left_out || parameter_norm == 0 || gradient_norm == 0) return 1;
  return desc.trust * parameter_norm /
         (gradient_norm + weight_decay * parameter_norm + static_cast<double>(desc.eps));
}

template <class F>
HS_HOST_DEVICE void lars(const StepFactors& f, float weight_decay, float ratio, F gradient, F& p,
                         F& v) {
  v = f.momentum * v + ratio * (gradient * f.multiplier + weight_decay * p);
  p = p - f.learning_rate * v;
}

// LAMB's update before it is scaled by `ratio`, which is computed from the norms of the segment's
// parameters and of this update.
template <class F, class Root>
HS_HOST_DEVICE F lamb_direction(const StepFactors& f, float weight_decay, F p, F m, F v,
                                Root root) {
  return f.first_scale * m / (root(v) * f.inverse_root + f.eps) + weight_decay * p;
}

HS_HOST_DEVICE double lamb_ratio(double parameter_norm, double update_norm) {
  return parameter_norm == 0 || update_norm == 0 ? 1 : parameter_norm / update_norm;
}

}  // namespace hs

#endif  // HALFSTEP_NUMERICS_OPTIMIZER_H
