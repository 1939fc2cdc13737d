#include "onednn.h"

#ifdef HALFSTEP_ONEDNN

#include <memory>

#include "oneapi/dnnl/dnnl.hpp"

namespace hs::bench {

using dnnl::memory;

namespace {

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// A primitive and its arguments.
struct Call {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

std::function<void()> repeat(const Call& call) {
  static dnnl::stream stream(cpu());
  return [call = std::make_shared<Call>(call)] {
    call->primitive.execute(stream, call->arguments);
    stream.wait();
  };
}

// The sizes and the window of a convolution in oneDNN's terms.
struct Convolution {
  explicit Convolution(const hs_conv2d_desc& d)
      : x({d.n, d.c, d.h, d.w}, memory::data_type::f32, memory::format_tag::nhwc),
        weights(d.groups == 1 ? memory::dims{d.k, d.c, d.r, d.s}
                              : memory::dims{d.groups, d.k / d.groups, d.c / d.groups, d.r, d.s},
                memory::data_type::f32, memory::format_tag::any),
        strides{d.stride_h, d.stride_w},
        dilations{d.dilation_h - 1, d.dilation_w - 1},
        pads{d.pad_h, d.pad_w},
        y({d.n, d.k, (d.h + 2 * d.pad_h - d.dilation_h * (d.r - 1) - 1) / d.stride_h + 1,
           (d.w + 2 * d.pad_w - d.dilation_w * (d.s - 1) - 1) / d.stride_w + 1},
          memory::data_type::f32, memory::format_tag::nhwc) {}

  dnnl::convolution_forward::primitive_desc forward() const {
    return {cpu(),
            dnnl::prop_kind::forward_training,
            dnnl::algorithm::convolution_direct,
            x,
            weights,
            y,
            strides,
            dilations,
            pads,
            pads};
  }

  memory::desc x, weights;
  memory::dims strides, dilations, pads;
  memory::desc y;
};

memory in_place(const memory::desc& desc, const void* data) {
  return memory(desc, cpu(), const_cast<void*>(data));
}

}  // namespace

std::function<void()> onednn_conv2d(const Conv2dArgs& args) {
  const Convolution c(args.desc);
  const auto desc = c.forward();
  return repeat({dnnl::convolution_forward(desc),
                 {{DNNL_ARG_SRC, in_place(c.x, args.x)},
                  {DNNL_ARG_WEIGHTS, memory(desc.weights_desc(), cpu())},
                  {DNNL_ARG_DST, in_place(c.y, args.y)}}});
}

std::function<void()> onednn_conv2d_backward_data(const Conv2dBackwardDataArgs& args) {
  const Convolution c(args.desc);
  const dnnl::convolution_backward_data::primitive_desc desc(
      cpu(), dnnl::algorithm::convolution_direct, c.x, c.weights, c.y, c.strides, c.dilations,
      c.pads, c.pads, c.forward());
  return repeat({dnnl::convolution_backward_data(desc),
                 {{DNNL_ARG_DIFF_SRC, in_place(c.x, args.dx)},
                  {DNNL_ARG_WEIGHTS, memory(desc.weights_desc(), cpu())},
                  {DNNL_ARG_DIFF_DST, in_place(c.y, args.dy)}}});
}

std::function<void()> onednn_conv2d_backward_weights(const Conv2dBackwardWeightsArgs& args) {
  const Convolution c(args.desc);
  const dnnl::convolution_backward_weights::primitive_desc desc(
      cpu(), dnnl::algorithm::convolution_direct, c.x, c.weights, c.y, c.strides, c.dilations,
      c.pads, c.pads, c.forward());
  return repeat({dnnl::convolution_backward_weights(desc),
                 {{DNNL_ARG_SRC, in_place(c.x, args.x)},
                  {DNNL_ARG_DIFF_WEIGHTS, memory(desc.diff_weights_desc(), cpu())},
                  {DNNL_ARG_DIFF_DST, in_place(c.y, args.dy)}}});
}

std::function<void()> onednn_matmul(const MatmulArgs& args) {
  const hs_matmul_desc& d = args.desc;
  const auto layout = [](memory::dims dims, int64_t stride, int64_t ld, bool transposed) {
    return memory::desc(dims, memory::data_type::f32,
                        transposed ? memory::dims{stride, 1, ld} : memory::dims{stride, ld, 1});
  };
  const memory::desc a = layout({d.batch, d.m, d.k}, d.stride_a, d.lda, d.transpose_a);
  const memory::desc b = layout({d.batch, d.k, d.n}, d.stride_b, d.ldb, d.transpose_b);
  const memory::desc c = layout({d.batch, d.m, d.n}, d.stride_c, d.ldc, false);
  const dnnl::matmul::primitive_desc desc(cpu(), a, b, c);
  return repeat({dnnl::matmul(desc),
                 {{DNNL_ARG_SRC, in_place(a, args.a)},
                  {DNNL_ARG_WEIGHTS, in_place(b, args.b)},
                  {DNNL_ARG_DST, in_place(c, args.c)}}});
}

}  // namespace hs::bench

#else

namespace hs::bench {

std::function<void()> onednn_matmul(const MatmulArgs&) { return {}; }
std::function<void()> onednn_conv2d(const Conv2dArgs&) { return {}; }
std::function<void()> onednn_conv2d_backward_data(const Conv2dBackwardDataArgs&) { return {}; }
std::function<void()> onednn_conv2d_backward_weights(const Conv2dBackwardWeightsArgs&) {
  return {};
}

}  // namespace hs::bench

#endif
