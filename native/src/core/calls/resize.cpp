// Checks of resizing.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_resize(const hs_resize_desc& d) {
  HS_REQUIRE(is_storage(d.type), "resize of %s: F32, BF16 and F16 are possible",
             dtype_name(d.type));
  HS_REQUIRE(d.n >= 0 && d.h >= 1 && d.w >= 1 && d.c >= 1 && d.p >= 1 && d.q >= 1,
             "resize of [%lld, %lld, %lld, %lld] to %lld x %lld: extents must be positive (n may "
             "be 0)",
             ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, ll{d.p}, ll{d.q});
  // The kernels multiply the old by the new height (or width) to place an output between the
  // inputs.
  HS_REQUIRE(
      fits({d.n, d.h, d.w, d.c}) && fits({d.n, d.p, d.q, d.c}) && fits({d.h, d.p}) &&
          fits({d.w, d.q}),
      "resize of [%lld, %lld, %lld, %lld] to %lld x %lld: more than 2^58 elements, or of the "
      "two heights' or widths' product",
      ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, ll{d.p}, ll{d.q});
  return HS_OK;
}

}  // namespace

hs_status check(const ResizeArgs& args) { return check_resize(args.desc); }

hs_status check(const ResizeBackwardArgs& args) { return check_resize(args.desc); }

}  // namespace hs
