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

int64_t output_extent(int64_t input, int64_t window, int32_t stride, int32_t pad,
                      int32_t dilation) {
  int64_t reach = 0;
  if (__builtin_mul_overflow(window - 1, dilation, &reach)) return 0;
  const int64_t room = input + 2 * int64_t{pad} - 1;
  return room < reach ? 0 : (room - reach) / stride + 1;
}

}  // namespace hs
