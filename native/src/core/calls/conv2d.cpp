// Checks of convolutions.
#include "core/kernel_checks.h"

namespace hs {

namespace {

hs_status check_conv2d(const hs_conv2d_desc& d) {
  HS_REQUIRE(is_storage(d.type), "conv2d of %s: F32, BF16 and F16 are possible",
             dtype_name(d.type));
  HS_REQUIRE(d.n >= 0 && d.h >= 1 && d.w >= 1 && d.c >= 1 && d.k >= 1 && d.r >= 1 && d.s >= 1,
             "conv2d: x [%lld, %lld, %lld, %lld], weights [%lld, %lld, %lld, ...]: extents must be "
             "positive (n may be 0)",
             ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, ll{d.k}, ll{d.r}, ll{d.s});
  HS_REQUIRE(fits({d.n, d.h, d.w, d.c}) && fits({d.k, d.r, d.s, d.c}),
             "conv2d: x [%lld, %lld, %lld, %lld] or weights [%lld, %lld, %lld, ...] have more than "
             "2^58 elements",
             ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, ll{d.k}, ll{d.r}, ll{d.s});
  HS_REQUIRE(d.stride_h >= 1 && d.stride_w >= 1 && d.pad_h >= 0 && d.pad_w >= 0 &&
                 d.dilation_h >= 1 && d.dilation_w >= 1,
             "conv2d: strides %d, %d and dilations %d, %d must be positive, pads %d, %d not "
             "negative",
             d.stride_h, d.stride_w, d.dilation_h, d.dilation_w, d.pad_h, d.pad_w);
  HS_REQUIRE(d.groups >= 1 && d.c % d.groups == 0 && d.k % d.groups == 0,
             "conv2d: %d groups do not divide %lld input and %lld output channels", d.groups,
             ll{d.c}, ll{d.k});
  HS_REQUIRE(output_extent(d.h, d.r, d.stride_h, d.pad_h, d.dilation_h) > 0 &&
                 output_extent(d.w, d.s, d.stride_w, d.pad_w, d.dilation_w) > 0,
             "conv2d: a window of %lld x %lld does not fit into %lld x %lld padded by %d, %d",
             ll{d.r}, ll{d.s}, ll{d.h}, ll{d.w}, d.pad_h, d.pad_w);
  HS_REQUIRE(fits({d.n, output_extent(d.h, d.r, d.stride_h, d.pad_h, d.dilation_h),
                   output_extent(d.w, d.s, d.stride_w, d.pad_w, d.dilation_w), d.k}),
             "conv2d: y has more than 2^58 elements");
  return HS_OK;
}

}  // namespace

hs_status check(const Conv2dArgs& args) {
  if (hs_status status = check_conv2d(args.desc); status != HS_OK) return status;
  const hs_activation activation = args.desc.activation;
  HS_REQUIRE(activation == HS_NONE || activation == HS_RELU || activation == HS_GELU,
             "conv2d: activation %d cannot be fused: NONE, RELU and GELU can", activation);
  return HS_OK;
}

hs_status check(const Conv2dBackwardDataArgs& args) { return check_conv2d(args.desc); }

hs_status check(const Conv2dBackwardWeightsArgs& args) { return check_conv2d(args.desc); }

}  // namespace hs
