// Checks of the arguments of gradient_check, micro_step_end and step_end.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const MicroStepEndArgs& args) {
  HS_REQUIRE(args.rows >= 0, "micro_step_end: rows is %lld: it must be 0 or more", ll{args.rows});
  return HS_OK;
}

hs_status check(const StepEndArgs& args) {
  HS_REQUIRE(args.capacity >= 1, "step_end: capacity is %lld: it must be positive",
             ll{args.capacity});
  const hs_scaler& s = args.scaler;
  HS_REQUIRE(!args.scaling || (s.growth > 1 && s.backoff > 0 && s.backoff < 1 && s.interval >= 1 &&
                               s.minimum > 0),
             "step_end: a scaler needs growth > 1, backoff in (0, 1), interval >= 1 and a "
             "positive minimum");
  return HS_OK;
}

}  // namespace hs
