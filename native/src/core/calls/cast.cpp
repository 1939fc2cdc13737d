// Checks of conversions between types.
#include "core/kernel_checks.h"

namespace hs {

hs_status check(const CastArgs& args) {
  HS_REQUIRE((is_storage(args.src_type) || args.src_type == HS_U8 || args.src_type == HS_I32) &&
                 is_storage(args.dst_type),
             "cast from %s to %s: possible are F32, BF16, F16, U8 and I32 to F32, BF16 and F16",
             dtype_name(args.src_type), dtype_name(args.dst_type));
  HS_REQUIRE_COUNT("cast", args.count);
  return HS_OK;
}

}  // namespace hs
