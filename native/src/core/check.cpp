#include "core/check.h"

namespace hs {

hs_status fail_address(const char* call, const char* operand, hs_ptr address) {
  if (address == 0) {
    return fail(HS_INVALID_ARGUMENT, "%s: %s is 0: it is not optional", call, operand);
  }
  return fail(HS_INVALID_ARGUMENT,
              "%s: %s is %llu, which is no address: nothing lies below %llu. Was an offset given, "
              "as of a slice or of a heap buffer, in place of an address?",
              call, operand, ull{address}, ull{kLeastAddress});
}

}  // namespace hs
