// Checks of the operations on two arrays, element by element.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const ElementwiseArgs& args) {
  HS_REQUIRE(args.op >= HS_ADD && args.op <= HS_LESS, "elementwise: %d is not an hs_binary",
             args.op);
  if (hs_status status = check_elements("elementwise", args.type, args.count); status != HS_OK) {
    return status;
  }
  HS_REQUIRE(args.count == 0 || (args.period >= 1 && args.count % args.period == 0),
             "elementwise: period %lld does not divide count %lld", ll{args.period},
             ll{args.count});
  return HS_OK;
}

hs_status check(const ScaleAddArgs& args) {
  return check_elements("scale_add", args.type, args.count);
}

}  // namespace hs
