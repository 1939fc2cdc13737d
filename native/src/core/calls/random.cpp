// Checks of random numbers.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_random(const char* name, int64_t count, bool valid, float first, float second) {
  HS_REQUIRE_COUNT(name, count);
  HS_REQUIRE(valid, "%s: parameters %g and %g are not finite or not in order", name,
             static_cast<double>(first), static_cast<double>(second));
  return HS_OK;
}

}  // namespace

hs_status check(const RandomNormalArgs& args) {
  const bool valid =
      __builtin_isfinite(args.mean) && __builtin_isfinite(args.deviation) && args.deviation >= 0;
  return check_random("random_normal", args.count, valid, args.mean, args.deviation);
}

hs_status check(const RandomUniformArgs& args) {
  const bool valid =
      __builtin_isfinite(args.low) && __builtin_isfinite(args.high) && args.low <= args.high;
  return check_random("random_uniform", args.count, valid, args.low, args.high);
}

}  // namespace hs
