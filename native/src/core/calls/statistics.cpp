// Checks of the statistics of gradients.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const GradientStatisticsArgs& args) {
  HS_REQUIRE_COUNT("gradient_statistics", args.count);
  return HS_OK;
}

}  // namespace hs
