// Checks of elementwise losses.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const PointwiseLossArgs& args) {
  HS_REQUIRE(args.loss >= HS_MSE && args.loss <= HS_GIVEN_LOSS,
             "pointwise_loss: %d is not an hs_loss", args.loss);
  if (hs_status status = check_elements("pointwise_loss", args.type, args.count); status != HS_OK) {
    return status;
  }
  HS_REQUIRE(args.rows >= 0 && (args.rows == 0 ? args.count == 0 : args.count % args.rows == 0),
             "pointwise_loss: %lld rows do not divide %lld elements", ll{args.rows},
             ll{args.count});
  if (args.loss != HS_GIVEN_LOSS && args.count != 0 && args.target == nullptr) {
    return fail_address("pointwise_loss", "target", 0);
  }
  return HS_OK;
}

}  // namespace hs
