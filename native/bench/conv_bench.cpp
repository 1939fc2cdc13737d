// Rows for convolution, pooling and resizing: the layers of the MNIST network with batch 64, and of
// larger networks. The floor is the larger of the times for the FLOP and for the bytes that must
// pass through memory.
#include "bench.h"
#include "onednn.h"

using namespace hs;
using namespace hs::bench;

namespace {

double bytes(int64_t floats) { return static_cast<double>(floats) * 4; }

std::string name_of(const char* what, const char* layer, const hs_conv2d_desc& d) {
  char text[120];
  std::snprintf(
      text, sizeof text, "%s %s %lldx%lldx%lldx%lld->%lld %lldx%lld%s%s", what, layer,
      static_cast<long long>(d.n), static_cast<long long>(d.h), static_cast<long long>(d.w),
      static_cast<long long>(d.c), static_cast<long long>(d.k), static_cast<long long>(d.r),
      static_cast<long long>(d.s), d.stride_h > 1 ? " /2" : "", d.groups > 1 ? " dw" : "");
  return text;
}

void add_conv(Rows& rows, const char* layer, int64_t n, int64_t size, int64_t c, int64_t k,
              int64_t window, int32_t stride = 1, int32_t groups = 1) {
  const int32_t pad = static_cast<int32_t>(window / 2);
  const hs_conv2d_desc d{HS_F32, n,      size, size, c, k, window, window,
                         stride, stride, pad,  pad,  1, 1, groups, HS_NONE};
  const std::string forward = name_of("conv forward", layer, d);
  const std::string data = name_of("conv data", layer, d);
  const std::string gradient = name_of("conv weights", layer, d);
  if (!rows.wants(forward) && !rows.wants(data) && !rows.wants(gradient)) return;
  const int64_t out = (size + 2 * pad - window) / stride + 1;
  const int64_t x_size = n * size * size * c, y_size = n * out * out * k;
  const int64_t weights_size = k * window * window * (c / groups);
  const auto x = normal_floats(x_size), y = normal_floats(y_size), bias = normal_floats(k);
  const auto dx = normal_floats(x_size), dy = normal_floats(y_size);
  const auto weights = normal_floats(weights_size), d_weights = normal_floats(weights_size);
  const double flops = 2.0 * static_cast<double>(y_size) * static_cast<double>(weights_size / k);
  const double moved = bytes(x_size + y_size + weights_size);
  const double floats = moved < 4e6 ? 0 : moved;  // data that fits in the caches may stay there
  const Conv2dArgs run{d, x.get(), weights.get(), bias.get(), nullptr, y.get()};
  const Conv2dBackwardDataArgs run_data{d, dy.get(), weights.get(), 0, dx.get()};
  const Conv2dBackwardWeightsArgs run_weights{d, x.get(), dy.get(), 0, d_weights.get(), bias.get()};
  rows.add({forward, flops, floats, [run, x, y, weights, bias] { kernels().conv2d(nullptr, run); },
            onednn_conv2d(run)});
  rows.add({data, flops, floats,
            [run_data, dx, dy, weights] { kernels().conv2d_backward_data(nullptr, run_data); },
            onednn_conv2d_backward_data(run_data)});
  rows.add({gradient, flops, floats,
            [run_weights, x, dy, d_weights, bias] {
              kernels().conv2d_backward_weights(nullptr, run_weights);
            },
            onednn_conv2d_backward_weights(run_weights)});
}

void add_pool(Rows& rows, hs_pool pool, int64_t n, int64_t size, int64_t c, int32_t window,
              int32_t stride, int32_t pad) {
  char shape[80];
  std::snprintf(shape, sizeof shape, "%s %lldx%lldx%lldx%lld %dx%d/%d",
                pool == HS_MAX_POOL ? "max" : "average", static_cast<long long>(n),
                static_cast<long long>(size), static_cast<long long>(size),
                static_cast<long long>(c), window, window, stride);
  const std::string forward = std::string("pool forward ") + shape;
  const std::string backward = std::string("pool backward ") + shape;
  if (!rows.wants(forward) && !rows.wants(backward)) return;
  const hs_pool2d_desc d{pool, HS_F32, n, size, size, c, window, window, stride, stride, pad, pad};
  const int64_t out = (size + 2 * pad - window) / stride + 1;
  const int64_t x_size = n * size * size * c, y_size = n * out * out * c;
  const auto x = normal_floats(x_size), y = normal_floats(y_size);
  auto index = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(y_size));
  uint8_t* const places = pool == HS_MAX_POOL ? index->data() : nullptr;
  const double moved = bytes(x_size + y_size) + (places != nullptr ? bytes(y_size) / 4 : 0);
  const Pool2dArgs run{d, x.get(), y.get(), places};
  const Pool2dBackwardArgs run_backward{d, y.get(), places, x.get()};
  kernels().pool2d(nullptr, run);
  rows.add({forward, 0, moved, [run, x, y, index] { kernels().pool2d(nullptr, run); }, {}});
  rows.add({backward,
            0,
            moved,
            [run_backward, x, y, index] { kernels().pool2d_backward(nullptr, run_backward); },
            {}});
}

void add_resize(Rows& rows, int64_t n, int64_t size, int64_t c, int64_t out) {
  char shape[80];
  std::snprintf(shape, sizeof shape, "%lldx%lldx%lldx%lld to %lld", static_cast<long long>(n),
                static_cast<long long>(size), static_cast<long long>(size),
                static_cast<long long>(c), static_cast<long long>(out));
  const std::string forward = std::string("resize forward ") + shape;
  const std::string backward = std::string("resize backward ") + shape;
  if (!rows.wants(forward) && !rows.wants(backward)) return;
  const hs_resize_desc d{HS_F32, n, size, size, c, out, out};
  const int64_t x_size = n * size * size * c, y_size = n * out * out * c;
  const auto x = normal_floats(x_size), y = normal_floats(y_size);
  const ResizeArgs run{d, x.get(), y.get()};
  const ResizeBackwardArgs run_backward{d, y.get(), x.get()};
  const double moved = bytes(x_size + y_size);
  rows.add({forward, 0, moved, [run, x, y] { kernels().resize(nullptr, run); }, {}});
  rows.add({backward,
            0,
            moved,
            [run_backward, x, y] { kernels().resize_backward(nullptr, run_backward); },
            {}});
}

}  // namespace

BENCHMARKS(conv) {
  add_conv(rows, "mnist1", 64, 28, 1, 32, 3);
  add_conv(rows, "mnist2", 64, 14, 32, 64, 3);
  add_conv(rows, "rgb", 16, 64, 3, 32, 3);
  add_conv(rows, "rgb7", 4, 128, 3, 64, 7, 2);
  add_conv(rows, "body", 8, 28, 128, 128, 3);
  add_conv(rows, "down", 8, 28, 64, 128, 3, 2);
  add_conv(rows, "deep", 4, 7, 512, 512, 3);
  add_conv(rows, "point", 8, 28, 128, 256, 1);
  add_conv(rows, "depth", 8, 56, 96, 96, 3, 1, 96);
  add_pool(rows, HS_MAX_POOL, 64, 28, 32, 2, 2, 0);
  add_pool(rows, HS_MAX_POOL, 64, 14, 64, 2, 2, 0);
  add_pool(rows, HS_MAX_POOL, 16, 112, 64, 3, 2, 1);
  add_pool(rows, HS_AVERAGE_POOL, 64, 7, 512, 7, 7, 0);
  add_resize(rows, 16, 56, 64, 112);
}
