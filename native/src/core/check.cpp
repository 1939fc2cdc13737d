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

hs_status check_elements(const char* name, hs_dtype type, int64_t count) {
  HS_REQUIRE(is_storage(type), "%s of %s: F32, BF16 and F16 are possible", name, dtype_name(type));
  HS_REQUIRE_COUNT(name, count);
  return HS_OK;
}

}  // namespace hs
