// conv2d, conv2d_backward_data, conv2d_backward_weights: a convolution of NHWC images is computed
// as one matrix product per group; the matrix of windows is never stored in memory.
//
// FLOPs: 2 n p q k r s c / groups each. Bytes: x, weights and y once, if the second-level cache
// holds the elements that windows share. Floor: the larger of FLOPs / rate (tensor cores; for FP32
// the FMA units, unless TF32 is allowed) and bytes / bandwidth. Design: the tiles of matmul.cu,
// with operands that compute an element's place by multiplications instead of divisions; 16, 8 or 4
// bytes of channels at a time, as the channels of a group allow. Forward is [pixels of y, r s c] x
// [k, r s c]^T. The gradient of the data is [pixels of x, r s k] x [r s k, c]; with strides, the
// zeros between the pixels of dy are multiplied too. The gradient of the weights is [pixels of y,
// k]^T x [pixels of y, r s c], with the bias gradient as in matmul.cu. Depthwise convolutions leave
// most of a tile empty. So would windows of few values, but product/engine_direct.h computes these,
// except for the gradient of the data. Measured (benchmarks/results/hopper-2026-11-27), H200, BF16,
// 3 x 3, 64 x 14 x 14 x 256 to 256 channels: 43, 54 and 63 us, 50, 40 and 34 % of the floor.
#include "core/error.h"
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/product/engines.h"

namespace hs::cuda {
namespace {

constexpr std::int64_t kMost = 0x7fffffff;

struct Extents {
  std::int64_t p, q, inputs, outputs;  // height and width of y; channels of a group of x and of y
};

Extents extents_of(const hs_conv2d_desc& d) {
  return {(d.h + 2 * d.pad_h - d.dilation_h * (d.r - 1) - 1) / d.stride_h + 1,
          (d.w + 2 * d.pad_w - d.dilation_w * (d.s - 1) - 1) / d.stride_w + 1, d.c / d.groups,
          d.k / d.groups};
}

// The windows of x that the pixels of y cover.
ConvParameters windows_of_x(const hs_conv2d_desc& d, const Extents& e) {
  const WindowAxis rows{d.stride_h, -d.pad_h, d.dilation_h, static_cast<int>(d.h), Divisor(1)};
  const WindowAxis columns{d.stride_w, -d.pad_w, d.dilation_w, static_cast<int>(d.w), Divisor(1)};
  return {{rows, columns, static_cast<int>(d.c), d.h * d.w * d.c, Divisor(e.p), Divisor(e.q),
           Divisor(d.s), Divisor(e.inputs)},
          d.r * d.s};
}

// The windows of dy for the pixels of x: the outputs whose windows contain the pixel.
ConvParameters windows_of_dy(const hs_conv2d_desc& d, const Extents& e) {
  const WindowAxis rows{1, d.pad_h, -d.dilation_h, static_cast<int>(e.p), Divisor(d.stride_h)};
  const WindowAxis columns{1, d.pad_w, -d.dilation_w, static_cast<int>(e.q), Divisor(d.stride_w)};
  return {{rows, columns, static_cast<int>(d.k), e.p * e.q * d.k, Divisor(d.h), Divisor(d.w),
           Divisor(d.s), Divisor(e.outputs)},
          d.r * d.s};
}

hs_status multiply(const Stream& stream, const hs_conv2d_desc& d, Operands product,
                   const MatmulArgs& args, const ConvParameters& conv) {
  if (args.desc.m == 0) return HS_OK;
  const ProductPlan plan = choose(describe(args, product, d.c), stream);
  if (plan.tile.engine == Engine::kDirect) {
    return with_storage(d.type, [&](auto type) {
      return run_conv2d<Direct<decltype(type)>>(stream, plan, product, args, conv);
    });
  }
  return with_engine(plan, d.type, [&](auto engine) {
    return run_conv2d<typename decltype(engine)::type>(stream, plan, product, args, conv);
  });
}

// Checks that the pixels, the values of a window, and the elements of a padded image can be counted
// in 31 bits.
hs_status check_size(const hs_conv2d_desc& d, const Extents& e) {
  std::int64_t pixels_x = d.n * d.h * d.w, pixels_y = d.n * e.p * e.q;
  std::int64_t depth = d.r * d.s * (e.inputs > e.outputs ? e.inputs : e.outputs);
  std::int64_t rows = d.h + std::int64_t{2} * d.pad_h + d.dilation_h * d.r;
  std::int64_t columns = d.w + std::int64_t{2} * d.pad_w + d.dilation_w * d.s;
  // Computed in double, since an integer might overflow.
  double image = static_cast<double>(rows) * static_cast<double>(columns) *
                 static_cast<double>(d.c > d.k ? d.c : d.k);
  if (pixels_x <= kMost && pixels_y <= kMost && depth <= kMost && image <= kMost) return HS_OK;
  return fail(
      HS_UNSUPPORTED,
      "conv2d: %lld and %lld pixels with %lld values in a window, and %.0f values in an image with "
      "its padding: 2^31 - 1 are possible: cut the batch or the images",
      static_cast<long long>(pixels_x), static_cast<long long>(pixels_y),
      static_cast<long long>(depth), image);
}

hs_matmul_desc product_of(const hs_conv2d_desc& d, std::int64_t m, std::int64_t n, std::int64_t k) {
  hs_matmul_desc desc{};
  desc.type = desc.out_type = d.type;
  desc.batch = d.groups;
  desc.m = m;
  desc.n = n;
  desc.k = k;
  desc.alpha = 1;
  return desc;
}

}  // namespace

hs_status conv2d(void* stream, const Conv2dArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  const Extents e = extents_of(d);
  if (hs_status status = check_size(d, e); status != HS_OK) return status;
  std::int64_t depth = d.r * d.s * e.inputs;
  hs_matmul_desc desc = product_of(d, d.n * e.p * e.q, e.outputs, depth);
  desc.ldb = depth;
  desc.ldc = d.k;
  desc.stride_a = e.inputs;
  desc.stride_b = e.outputs * depth;
  desc.stride_c = e.outputs;
  desc.activation = d.activation;
  return multiply(as_stream(stream), d, Operands::kForward,
                  {desc, args.x, args.weights, args.y, args.bias, args.aux, nullptr, args.tf32},
                  windows_of_x(d, e));
}

hs_status conv2d_backward_data(void* stream, const Conv2dBackwardDataArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  const Extents e = extents_of(d);
  if (hs_status status = check_size(d, e); status != HS_OK) return status;
  hs_matmul_desc desc = product_of(d, d.n * d.h * d.w, e.inputs, d.r * d.s * e.outputs);
  desc.ldc = d.c;
  desc.stride_a = e.outputs;
  desc.stride_b = e.outputs * d.r * d.s * e.inputs;
  desc.stride_c = e.inputs;
  desc.beta = args.beta;
  return multiply(as_stream(stream), d, Operands::kData,
                  {desc, args.dy, args.weights, args.dx, nullptr, nullptr, nullptr, args.tf32},
                  windows_of_dy(d, e));
}

hs_status conv2d_backward_weights(void* stream, const Conv2dBackwardWeightsArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  const Extents e = extents_of(d);
  if (hs_status status = check_size(d, e); status != HS_OK) return status;
  std::int64_t depth = d.r * d.s * e.inputs;
  hs_matmul_desc desc = product_of(d, e.outputs, depth, d.n * e.p * e.q);
  desc.out_type = HS_F32;
  desc.lda = d.k;
  desc.ldc = depth;
  desc.stride_a = e.outputs;
  desc.stride_b = e.inputs;
  desc.stride_c = e.outputs * depth;
  desc.beta = desc.bias_grad_beta = args.beta;
  return multiply(as_stream(stream), d, Operands::kWeights,
                  {desc, args.dy, args.x, args.d_weights, nullptr, nullptr, args.d_bias, args.tf32},
                  windows_of_x(d, e));
}

}  // namespace hs::cuda
