// Checks of activations.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_activation(const char* name, hs_activation activation, hs_dtype type,
                           int64_t count) {
  HS_REQUIRE(activation >= HS_NONE && activation <= HS_LOG, "%s: %d is not an hs_activation", name,
             activation);
  return check_elements(name, type, count);
}

}  // namespace

hs_status check(const ActivationForwardArgs& args) {
  return check_activation("activation_forward", args.activation, args.type, args.count);
}

hs_status check(const ActivationBackwardArgs& args) {
  return check_activation("activation_backward", args.activation, args.type, args.count);
}

}  // namespace hs
