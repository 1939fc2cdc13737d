// Checks of pooling.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_pool2d(const hs_pool2d_desc& d) {
  HS_REQUIRE(d.pool >= HS_MAX_POOL && d.pool <= HS_AVERAGE_POOL_PADDED,
             "pool2d: %d is not an hs_pool", d.pool);
  HS_REQUIRE(is_storage(d.type), "pool2d of %s: F32, BF16 and F16 are possible",
             dtype_name(d.type));
  HS_REQUIRE(d.n >= 0 && d.h >= 1 && d.w >= 1 && d.c >= 1 && d.r >= 1 && d.s >= 1,
             "pool2d: x [%lld, %lld, %lld, %lld], window %d x %d: extents must be positive (n may "
             "be 0)",
             ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, d.r, d.s);
  HS_REQUIRE(fits({d.n, d.h, d.w, d.c}),
             "pool2d: x [%lld, %lld, %lld, %lld] has more than 2^58 elements", ll{d.n}, ll{d.h},
             ll{d.w}, ll{d.c});
  HS_REQUIRE(d.stride_h >= 1 && d.stride_w >= 1 && d.pad_h >= 0 && d.pad_w >= 0 && d.pad_h < d.r &&
                 d.pad_w < d.s,
             "pool2d: strides %d, %d must be positive, pads %d, %d at least 0 and less than the "
             "window",
             d.stride_h, d.stride_w, d.pad_h, d.pad_w);
  HS_REQUIRE(output_extent(d.h, d.r, d.stride_h, d.pad_h, 1) > 0 &&
                 output_extent(d.w, d.s, d.stride_w, d.pad_w, 1) > 0,
             "pool2d: a window of %d x %d does not fit into %lld x %lld padded by %d, %d", d.r, d.s,
             ll{d.h}, ll{d.w}, d.pad_h, d.pad_w);
  HS_REQUIRE(fits({d.n, output_extent(d.h, d.r, d.stride_h, d.pad_h, 1),
                   output_extent(d.w, d.s, d.stride_w, d.pad_w, 1), d.c}),
             "pool2d: y has more than 2^58 elements");
  return HS_OK;
}

}  // namespace

hs_status check(const Pool2dArgs& args) {
  const hs_pool2d_desc& d = args.desc;
  if (hs_status status = check_pool2d(d); status != HS_OK) return status;
  HS_REQUIRE(args.index == nullptr || (d.pool == HS_MAX_POOL && int64_t{d.r} * d.s <= 255),
             "pool2d: places are kept for max pooling with at most 255 elements a window, but the "
             "window is %d x %d",
             d.r, d.s);
  return HS_OK;
}

hs_status check(const Pool2dBackwardArgs& args) {
  if (hs_status status = check_pool2d(args.desc); status != HS_OK) return status;
  HS_REQUIRE(args.desc.pool != HS_MAX_POOL || args.index != nullptr || args.desc.n == 0,
             "pool2d_backward: max pooling needs the index of the forward call");
  return HS_OK;
}

}  // namespace hs
