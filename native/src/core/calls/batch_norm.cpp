// Checks of batch normalisation.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_batch_norm(const char* name, const hs_batch_norm_desc& d, int64_t least_rows) {
  HS_REQUIRE(is_storage(d.type), "%s of %s: F32, BF16 and F16 are possible", name,
             dtype_name(d.type));
  HS_REQUIRE(d.rows >= least_rows && d.channels >= 1,
             "%s: x [%lld, %lld]: there must be %lld rows or more and a channel", name, ll{d.rows},
             ll{d.channels}, ll{least_rows});
  HS_REQUIRE(fits({d.rows, d.channels}), "%s: x [%lld, %lld] has more than 2^58 elements", name,
             ll{d.rows}, ll{d.channels});
  HS_REQUIRE(d.eps > 0 && d.momentum >= 0 && d.momentum <= 1,
             "%s: eps %g must be positive, momentum %g in [0, 1]", name, static_cast<double>(d.eps),
             static_cast<double>(d.momentum));
  HS_REQUIRE(d.activation == HS_NONE || d.activation == HS_RELU,
             "%s: activation %d cannot be fused: NONE and RELU can", name, d.activation);
  return HS_OK;
}

}  // namespace

hs_status check(const BatchNormTrainingArgs& args) {
  return check_batch_norm("batch_norm_training", args.desc, 2);
}

hs_status check(const BatchNormInferenceArgs& args) {
  return check_batch_norm("batch_norm_inference", args.desc, 0);
}

hs_status check(const BatchNormBackwardArgs& args) {
  if (hs_status status = check_batch_norm("batch_norm_backward", args.desc, 2); status != HS_OK) {
    return status;
  }
  HS_REQUIRE(args.desc.activation == HS_NONE || args.y != nullptr,
             "batch_norm_backward: with RELU it needs y, the output of the forward call");
  return HS_OK;
}

}  // namespace hs
