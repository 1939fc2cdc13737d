// Checks of the arguments of optimizer_step and gradient_check.
#include "core/kernel_checks.h"

namespace hs {

namespace {

bool has_second_moment(hs_rule rule) { return rule != HS_SGD && rule != HS_LARS; }

bool is_layerwise(hs_rule rule) { return rule == HS_LARS || rule == HS_LAMB; }

hs_status check_optimizer(const hs_optimizer_desc& d) {
  HS_REQUIRE(d.rule >= HS_SGD && d.rule <= HS_LAMB, "optimizer_step: %d is not an hs_rule", d.rule);
  HS_REQUIRE(d.momentum >= 0 && d.momentum < 1,
             "optimizer_step: momentum (beta1) %g is not in [0, 1)",
             static_cast<double>(d.momentum));
  HS_REQUIRE(!has_second_moment(d.rule) || (d.beta2 >= 0 && d.beta2 < 1),
             "optimizer_step: beta2 %g is not in [0, 1)", static_cast<double>(d.beta2));
  HS_REQUIRE(d.rule == HS_SGD || d.eps >= 0, "optimizer_step: eps %g is negative",
             static_cast<double>(d.eps));
  HS_REQUIRE(d.rule != HS_LARS || d.trust > 0, "optimizer_step: trust %g is not positive",
             static_cast<double>(d.trust));
  HS_REQUIRE(d.learning_rate >= 0 && d.weight_decay >= 0,
             "optimizer_step: learning rate %g or weight decay %g is negative or not a number",
             static_cast<double>(d.learning_rate), static_cast<double>(d.weight_decay));
  HS_REQUIRE(d.step >= 0, "optimizer_step: step %lld is negative: steps are numbered from 1",
             ll{d.step});
  HS_REQUIRE(d.eps_before_debiasing == 0 || d.rule == HS_ADAM || d.rule == HS_ADAMW,
             "optimizer_step: eps_before_debiasing is for Adam and AdamW");
  return HS_OK;
}

}  // namespace

hs_status check(const GradientCheckArgs& args) {
  HS_REQUIRE_COUNT("gradient_check", args.count);
  HS_REQUIRE(args.weight_units > 0 && args.max_norm >= 0,
             "gradient_check: weight_units %g must be positive, max_norm %g not negative",
             static_cast<double>(args.weight_units), static_cast<double>(args.max_norm));
  return HS_OK;
}

hs_status check(const OptimizerStepArgs& args) {
  const hs_optimizer_desc& d = args.desc;
  if (hs_status status = check_optimizer(d); status != HS_OK) return status;
  HS_REQUIRE(args.count >= 0 && args.segment_count >= 0,
             "optimizer_step: count %lld and segment_count %d must not be negative", ll{args.count},
             args.segment_count);
  HS_REQUIRE(args.count <= kMostElements, "optimizer_step: %lld parameters are more than 2^58",
             ll{args.count});
  const bool empty = args.count == 0;
  HS_REQUIRE(
      !has_second_moment(d.rule) || (args.moment1 != nullptr && args.moment2 != nullptr) || empty,
      "optimizer_step: Adam, AdamW and LAMB need moment1 and moment2: one is 0");
  HS_REQUIRE(d.rule != HS_LARS || args.moment1 != nullptr || empty,
             "optimizer_step: LARS needs moment1");
  HS_REQUIRE(
      !is_layerwise(d.rule) || args.workspace != nullptr || args.segments == nullptr || empty,
      "optimizer_step: LARS and LAMB with segments need the workspace, F64 [2, %d]",
      args.segment_count);
  HS_REQUIRE(d.rule != HS_SGD || args.moment1 != nullptr || d.momentum == 0,
             "optimizer_step: SGD with momentum needs moment1");
  HS_REQUIRE(args.copy == nullptr || is_storage(d.copy_type),
             "optimizer_step: a copy in %s is not possible: F32, BF16 and F16 are",
             dtype_name(d.copy_type));
  HS_REQUIRE(args.state != nullptr || (d.checked == 0 && args.schedule == nullptr),
             "optimizer_step: a checked step and a schedule need the state");
  return HS_OK;
}

}  // namespace hs
