// Checks of dropout.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const DropoutArgs& args) {
  if (hs_status status = check_elements("dropout", args.type, args.count); status != HS_OK) {
    return status;
  }
  HS_REQUIRE(args.rate >= 0 && args.rate < 1, "dropout: rate %g is not in [0, 1)",
             static_cast<double>(args.rate));
  return HS_OK;
}

}  // namespace hs
