// Checks of the calls that slide a window over images: convolution, pooling, resizing.
#include "core/check.h"

using namespace hs;

namespace {

// The extent of an output, or 0 where the window does not fit.
int64_t output_extent(int64_t input, int64_t window, int32_t stride, int32_t pad,
                      int32_t dilation) {
  int64_t reach = 0;
  if (__builtin_mul_overflow(window - 1, dilation, &reach)) return 0;
  const int64_t room = input + 2 * int64_t{pad} - 1;
  return room < reach ? 0 : (room - reach) / stride + 1;
}

hs_status check_conv2d(const hs_conv2d_desc* desc) {
  HS_REQUIRE(desc != nullptr, "conv2d: desc is null");
  const hs_conv2d_desc& d = *desc;
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

hs_status check_pool2d(const hs_pool2d_desc* desc) {
  HS_REQUIRE(desc != nullptr, "pool2d: desc is null");
  const hs_pool2d_desc& d = *desc;
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

hs_status check_resize(const hs_resize_desc* desc) {
  HS_REQUIRE(desc != nullptr, "resize: desc is null");
  const hs_resize_desc& d = *desc;
  HS_REQUIRE(is_storage(d.type), "resize of %s: F32, BF16 and F16 are possible",
             dtype_name(d.type));
  HS_REQUIRE(d.n >= 0 && d.h >= 1 && d.w >= 1 && d.c >= 1 && d.p >= 1 && d.q >= 1,
             "resize of [%lld, %lld, %lld, %lld] to %lld x %lld: extents must be positive (n may "
             "be 0)",
             ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, ll{d.p}, ll{d.q});
  // Where an output lies is computed from the product of two heights, or widths.
  HS_REQUIRE(
      fits({d.n, d.h, d.w, d.c}) && fits({d.n, d.p, d.q, d.c}) && fits({d.h, d.p}) &&
          fits({d.w, d.q}),
      "resize of [%lld, %lld, %lld, %lld] to %lld x %lld: more than 2^58 elements, or of the "
      "two heights' or widths' product",
      ll{d.n}, ll{d.h}, ll{d.w}, ll{d.c}, ll{d.p}, ll{d.q});
  return HS_OK;
}

}  // namespace

hs_status hs_conv2d(hs_stream stream, const hs_conv2d_desc* desc, hs_ptr x, hs_ptr weights,
                    hs_ptr bias, hs_ptr aux, hs_ptr y) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_conv2d(desc); status != HS_OK) return status;
    HS_REQUIRE(
        desc->activation == HS_NONE || desc->activation == HS_RELU || desc->activation == HS_GELU,
        "conv2d: activation %d cannot be fused: NONE, RELU and GELU can", desc->activation);
    HS_NEED("conv2d", weights);
    if (desc->n != 0) {
      HS_NEED("conv2d", x);
      HS_NEED("conv2d", y);
    }
    HS_OPTIONAL("conv2d", bias);
    HS_OPTIONAL("conv2d", aux);
    return submit(stream, &KernelTable::conv2d,
                  Conv2dArgs{*desc, as<void>(x), as<void>(weights), as<float>(bias), as<void>(aux),
                             as<void>(y), allows_tf32(stream)});
  });
}

hs_status hs_conv2d_backward_data(hs_stream stream, const hs_conv2d_desc* desc, hs_ptr dy,
                                  hs_ptr weights, float beta, hs_ptr dx) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_conv2d(desc); status != HS_OK) return status;
    HS_NEED("conv2d_backward_data", weights);
    if (desc->n != 0) {
      HS_NEED("conv2d_backward_data", dy);
      HS_NEED("conv2d_backward_data", dx);
    }
    return submit(stream, &KernelTable::conv2d_backward_data,
                  Conv2dBackwardDataArgs{*desc, as<void>(dy), as<void>(weights), beta, as<void>(dx),
                                         allows_tf32(stream)});
  });
}

hs_status hs_conv2d_backward_weights(hs_stream stream, const hs_conv2d_desc* desc, hs_ptr x,
                                     hs_ptr dy, float beta, hs_ptr d_weights, hs_ptr d_bias) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_conv2d(desc); status != HS_OK) return status;
    HS_NEED("conv2d_backward_weights", d_weights);
    if (desc->n != 0) {
      HS_NEED("conv2d_backward_weights", x);
      HS_NEED("conv2d_backward_weights", dy);
    }
    HS_OPTIONAL("conv2d_backward_weights", d_bias);
    return submit(
        stream, &KernelTable::conv2d_backward_weights,
        Conv2dBackwardWeightsArgs{*desc, as<void>(x), as<void>(dy), beta, as<float>(d_weights),
                                  as<float>(d_bias), allows_tf32(stream)});
  });
}

hs_status hs_pool2d(hs_stream stream, const hs_pool2d_desc* desc, hs_ptr x, hs_ptr y,
                    hs_ptr index) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_pool2d(desc); status != HS_OK) return status;
    HS_REQUIRE(index == 0 || (desc->pool == HS_MAX_POOL && int64_t{desc->r} * desc->s <= 255),
               "pool2d: places are kept for max pooling with at most 255 elements a window, but "
               "the window is %d x %d",
               desc->r, desc->s);
    if (desc->n != 0) {
      HS_NEED("pool2d", x);
      HS_NEED("pool2d", y);
    }
    HS_OPTIONAL("pool2d", index);
    return submit(stream, &KernelTable::pool2d,
                  Pool2dArgs{*desc, as<void>(x), as<void>(y), as<uint8_t>(index)});
  });
}

hs_status hs_pool2d_backward(hs_stream stream, const hs_pool2d_desc* desc, hs_ptr dy, hs_ptr index,
                             hs_ptr dx) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_pool2d(desc); status != HS_OK) return status;
    HS_REQUIRE(desc->pool != HS_MAX_POOL || index != 0 || desc->n == 0,
               "pool2d_backward: max pooling needs the index of the forward call");
    if (desc->n != 0) {
      HS_NEED("pool2d_backward", dy);
      HS_NEED("pool2d_backward", dx);
    }
    HS_OPTIONAL("pool2d_backward", index);
    return submit(stream, &KernelTable::pool2d_backward,
                  Pool2dBackwardArgs{*desc, as<void>(dy), as<uint8_t>(index), as<void>(dx)});
  });
}

hs_status hs_resize(hs_stream stream, const hs_resize_desc* desc, hs_ptr x, hs_ptr y) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_resize(desc); status != HS_OK) return status;
    if (desc->n != 0) {
      HS_NEED("resize", x);
      HS_NEED("resize", y);
    }
    return submit(stream, &KernelTable::resize, ResizeArgs{*desc, as<void>(x), as<void>(y)});
  });
}

hs_status hs_resize_backward(hs_stream stream, const hs_resize_desc* desc, hs_ptr dy, hs_ptr dx) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_resize(desc); status != HS_OK) return status;
    if (desc->n != 0) {
      HS_NEED("resize_backward", dy);
      HS_NEED("resize_backward", dx);
    }
    return submit(stream, &KernelTable::resize_backward,
                  ResizeBackwardArgs{*desc, as<void>(dy), as<void>(dx)});
  });
}
