// Convolution and its gradients against their definition in fp64.
#include "compare.h"

using namespace hs::test;

namespace {

struct Shape {
  int64_t n, h, w, c, k, r, s;
  int32_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  int32_t groups = 1;

  int64_t p() const { return (h + 2 * pad_h - dilation_h * (r - 1) - 1) / stride_h + 1; }
  int64_t q() const { return (w + 2 * pad_w - dilation_w * (s - 1) - 1) / stride_w + 1; }
  size_t x_size() const { return static_cast<size_t>(n * h * w * c); }
  size_t y_size() const { return static_cast<size_t>(n * p() * q() * k); }
  size_t weights_size() const { return static_cast<size_t>(k * r * s * (c / groups)); }
  // Whether CUDA computes it with the direct engine, which never rounds operands of F32 to TF32.
  bool few() const { return groups == 1 && r * s * c <= 32 && c % 8 != 0 && k <= 1024; }
  std::string name(hs_dtype type) const {
    return shape_name({n, h, w, c}) + " * " + shape_name({k, r, s, c / groups}) + " stride " +
           shape_name({stride_h, stride_w}) + " pad " + shape_name({pad_h, pad_w}) + " dilation " +
           shape_name({dilation_h, dilation_w}) + " type " + std::to_string(type);
  }
  hs_conv2d_desc desc(hs_dtype type, hs_activation activation = HS_NONE) const {
    return {type,     n,        h,     w,     c,          k,          r,      s,
            stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups, activation};
  }
};

const Shape kShapes[] = {
    {1, 1, 1, 1, 1, 1, 1},                      // one product
    {0, 5, 5, 3, 4, 3, 3},                      // no image
    {2, 5, 7, 3, 4, 1, 1},                      // 1 x 1: the matrix is x itself
    {2, 6, 6, 5, 7, 1, 1, 2, 2},                // 1 x 1 with strides: phases without a tap
    {3, 9, 7, 1, 32, 3, 3, 1, 1, 1, 1},         // one channel
    {2, 11, 40, 1, 5, 5, 3, 2, 3, 2, 1},        // one channel, strides
    {2, 8, 9, 3, 17, 3, 3, 1, 1, 1, 1},         // three channels; an odd number of outputs
    {1, 14, 14, 32, 64, 3, 3, 1, 1, 1, 1},      // several blocks of depth, a whole panel
    {2, 7, 7, 17, 70, 5, 5, 1, 1, 2, 2},        // blocks do not divide the depth; two panels
    {2, 10, 9, 4, 6, 3, 3, 2, 2, 1, 1},         // strides
    {1, 13, 11, 3, 5, 3, 2, 3, 2, 0, 1},        // unequal strides, an even window
    {1, 9, 9, 2, 3, 2, 2, 3, 3},                // strides larger than the window: untouched pixels
    {2, 12, 10, 3, 5, 3, 3, 1, 1, 2, 2, 2, 2},  // dilation
    {1, 12, 13, 2, 4, 3, 3, 2, 3, 3, 2, 3, 2},  // dilation and strides, prime to each other
    {1, 12, 13, 2, 4, 3, 3, 2, 4, 1, 2, 2, 2},  // dilation and strides with a common factor
    {1, 6, 6, 3, 4, 3, 3, 1, 1, 4, 5},          // pads larger than the window: some outputs are 0
    {2, 3, 4, 3, 4, 5, 7, 1, 1, 2, 3},          // a window larger than the image
    {1, 5, 30, 2, 3, 1, 9, 1, 2, 0, 4},         // a long flat window
    {2, 8, 7, 6, 10, 3, 3, 1, 1, 1, 1, 1, 1, 2},  // groups
    {2, 7, 8, 12, 24, 3, 3, 2, 1, 1, 1, 1, 2, 3},
    {1, 6, 5, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1, 8},  // two filters per channel
    {2, 9, 8, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 5},   // depthwise
    {1, 9, 11, 35, 35, 5, 3, 2, 3, 2, 1, 2, 1, 35},
    {3, 20, 20, 3, 20, 3, 3, 1, 1, 1, 1},  // several tiles, the last one short
    {1, 2, 3, 300, 6, 1, 1},               // a block of depth in the middle of a pixel
    {1, 4, 4, 40, 200, 3, 3, 1, 1, 1, 1},  // few pixels: tiles get some of the panels
    // Enough channels for patches:
    {3, 7, 5, 16, 20, 3, 3, 2, 2, 1, 1},           // strides
    {2, 9, 8, 32, 24, 3, 3, 1, 1, 2, 2, 2, 2},     // dilation
    {2, 7, 6, 32, 36, 3, 3, 1, 1, 1, 1, 1, 1, 2},  // groups
    {1, 4, 4, 16, 8, 3, 3, 1, 1, 4, 5},            // lines and columns that are all padding
    {1, 2, 200, 16, 4, 3, 3, 1, 1, 1, 1},          // lines too long for a patch
    {5, 2, 3, 16, 512, 3, 3, 1, 1, 1, 1},          // several images in a patch; dy is copied
    {1, 2, 3, 260, 6, 3, 3, 1, 1, 1, 1},           // blocks of depth that end within a run
    // Few input channels; the comment is the number of values in a window:
    {2, 3, 7, 1, 130, 1, 1},                   // 1
    {5, 7, 9, 1, 8, 3, 3, 1, 1, 1, 1},         // 9
    {1, 5, 7, 1, 7, 3, 3, 2, 1, 4, 3, 1, 2},   // 9
    {3, 6, 6, 5, 24, 2, 1, 1, 2},              // 10
    {2, 9, 8, 1, 33, 5, 5, 1, 1, 2, 2},        // 25
    {2, 6, 7, 3, 65, 3, 3, 2, 2, 1, 1},        // 27
    {1, 9, 8, 3, 72, 3, 3, 1, 1, 2, 2, 2, 2},  // 27
    {2, 5, 5, 4, 16, 2, 4, 1, 1, 1, 2},        // 32
    {1, 7, 6, 2, 5, 4, 4, 3, 2, 3, 2, 1, 2},   // 32
    {1, 4, 12, 1, 5, 3, 11, 1, 1, 1, 5},       // 33: too many
    {1, 3, 3, 1, 1025, 1, 1},                  // too many outputs
    // Enough input channels for tiles:
    {2, 8, 9, 5, 17, 3, 3, 1, 1, 1, 1},         // odd channels and columns
    {2, 6, 6, 8, 7, 1, 1, 2, 2},                // 1 x 1 with strides
    {1, 12, 13, 5, 4, 3, 3, 2, 3, 3, 2, 3, 2},  // dilation and strides, prime to each other
    {1, 6, 6, 5, 4, 3, 3, 1, 1, 4, 5},          // pads larger than the window
    {2, 3, 4, 5, 4, 5, 7, 1, 1, 2, 3},          // a window larger than the image
    {1, 5, 30, 6, 3, 1, 9, 1, 2, 0, 4},         // a long flat window
    {2, 20, 20, 4, 20, 3, 3, 1, 1, 1, 1},       // several tiles, the last one short
};

// Whether a shape is left out of some tests: the simulated device takes a second for a million
// products.
bool is_long(const Device& device, const Shape& t) {
  return is_left_out(device, t.y_size() * t.weights_size() / static_cast<size_t>(t.k));
}

// Calls fn(index in x, index in the weights, index in y) for every product of the definition.
template <class Fn>
void for_products(const Shape& t, const Fn& fn) {
  const int64_t inputs = t.c / t.groups, outputs = t.k / t.groups;
  size_t y = 0;
  for (int64_t n = 0; n < t.n; n++)
    for (int64_t p = 0; p < t.p(); p++)
      for (int64_t q = 0; q < t.q(); q++)
        for (int64_t k = 0; k < t.k; k++, y++)
          for (int64_t r = 0; r < t.r; r++)
            for (int64_t s = 0; s < t.s; s++) {
              const int64_t h = p * t.stride_h + r * t.dilation_h - t.pad_h;
              const int64_t w = q * t.stride_w + s * t.dilation_w - t.pad_w;
              if (h < 0 || h >= t.h || w < 0 || w >= t.w) continue;
              const int64_t x = ((n * t.h + h) * t.w + w) * t.c + k / outputs * inputs;
              const int64_t weight = ((k * t.r + r) * t.s + s) * inputs;
              for (int64_t c = 0; c < inputs; c++) {
                fn(static_cast<size_t>(x + c), static_cast<size_t>(weight + c), y);
              }
            }
}

// Sums of products in fp64, each with an error bound for a sum in floats in any order.
class Sums {
 public:
  explicit Sums(size_t count) : sums_(count), sizes_(count), terms_(count) {}
  void add(size_t i, double product) {
    sums_[i] += product;
    sizes_[i] += std::abs(product);
    terms_[i] += 1;
  }
  double value(size_t i) const { return sums_[i]; }
  double bound(size_t i) const { return 4 * kUnit * std::sqrt(terms_[i] + 1) * sizes_[i]; }
  // The expected values of sums + beta * old.
  std::vector<Expected> expected(float beta, const std::vector<float>& old) const {
    std::vector<Expected> all;
    for (size_t i = 0; i < sums_.size(); i++) {
      const double before = beta == 0 ? 0 : static_cast<double>(beta) * old[i];
      all.push_back({sums_[i] + before, bound(i) + 4 * kUnit * std::abs(before)});
    }
    return all;
  }

 private:
  std::vector<double> sums_, sizes_, terms_;
};

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

struct Ending {
  hs_activation activation = HS_NONE;
  bool bias = false, aux = false;
};

// The operands as the kernels of the output and of the weights' gradient use them: rounded to TF32
// if allowed, except by the direct engine.
std::vector<float> seen(const Tf32& allowed, const Shape& t, const std::vector<float>& values) {
  return t.few() ? values : allowed.seen(values);
}

void check_forward(Device& device, const Shape& t, hs_dtype type, const Ending& ending,
                   size_t shift, bool tf32 = false) {
  const std::string where = t.name(type) + " activation " + std::to_string(ending.activation);
  StorageArray x(device, type, normals(t.x_size(), 1), shift);
  StorageArray weights(device, type, normals(t.weights_size(), 2), shift);
  Array<float> bias(device, normals(static_cast<size_t>(t.k), 3), shift);
  StorageArray y(device, type, t.y_size(), shift);
  StorageArray aux(device, type, ending.aux ? t.y_size() : 0, shift);
  const hs_conv2d_desc desc = t.desc(type, ending.activation);
  const Tf32 allowed(device, tf32);
  CHECK_OK(hs_conv2d(device.stream(), &desc, x.address(), weights.address(),
                     ending.bias ? bias.address() : 0, ending.aux ? aux.address() : 0,
                     y.address()));
  const std::vector<float> xs = seen(allowed, t, x.get()), ws = seen(allowed, t, weights.get());
  const std::vector<float> bs = bias.get();
  Sums sums(t.y_size());
  for_products(
      t, [&](size_t i, size_t j, size_t at) { sums.add(at, static_cast<double>(xs[i]) * ws[j]); });
  std::vector<Expected> before, after;
  for (size_t i = 0; i < t.y_size(); i++) {
    const double b = ending.bias ? bs[i % bs.size()] : 0;
    const double value = sums.value(i) + b, bound = sums.bound(i) + 4 * kUnit * std::abs(b);
    before.push_back({value, bound});
    switch (ending.activation) {
      case HS_RELU:
        after.push_back({std::max(value, 0.0), bound});
        break;
      case HS_GELU:
        after.push_back({gelu(value), 1.2 * bound + 16 * kUnit * std::abs(value)});
        break;
      default:
        after.push_back({value, bound});
    }
  }
  check_close(y.get(), after, type, where);
  if (ending.aux) check_close(aux.get(), before, type, where + " aux");
}

void check_backward_data(Device& device, const Shape& t, hs_dtype type, float beta, size_t shift,
                         bool tf32 = false) {
  StorageArray dy(device, type, normals(t.y_size(), 4), shift);
  StorageArray weights(device, type, normals(t.weights_size(), 2), shift);
  StorageArray dx(device, type, t.x_size(), shift);
  if (beta != 0) dx.set(normals(t.x_size(), 5));
  const Tf32 allowed(device, tf32);
  const std::vector<float> old = dx.get();
  const std::vector<float> dys = allowed.seen(dy.get()), ws = allowed.seen(weights.get());
  const hs_conv2d_desc desc = t.desc(type);
  CHECK_OK(hs_conv2d_backward_data(device.stream(), &desc, dy.address(), weights.address(), beta,
                                   dx.address()));
  Sums sums(t.x_size());
  for_products(
      t, [&](size_t i, size_t j, size_t at) { sums.add(i, static_cast<double>(dys[at]) * ws[j]); });
  check_close(dx.get(), sums.expected(beta, old), type, t.name(type) + " dx");
}

void check_backward_weights(Device& device, const Shape& t, hs_dtype type, float beta, bool bias,
                            size_t shift, bool tf32 = false) {
  const size_t outputs = static_cast<size_t>(t.k);
  StorageArray dy(device, type, normals(t.y_size(), 4), shift);
  StorageArray x(device, type, normals(t.x_size(), 1), shift);
  Array<float> d_weights(device, t.weights_size(), shift), d_bias(device, outputs, shift);
  if (beta != 0) {
    d_weights.set(normals(t.weights_size(), 6));
    d_bias.set(normals(outputs, 7));
  }
  const std::vector<float> old = d_weights.get(), old_bias = d_bias.get();
  const Tf32 allowed(device, tf32);
  const std::vector<float> stored = dy.get();
  const std::vector<float> xs = seen(allowed, t, x.get()), dys = seen(allowed, t, stored);
  const hs_conv2d_desc desc = t.desc(type);
  CHECK_OK(hs_conv2d_backward_weights(device.stream(), &desc, x.address(), dy.address(), beta,
                                      d_weights.address(), bias ? d_bias.address() : 0));
  Sums sums(t.weights_size()), bias_sums(outputs);
  for_products(
      t, [&](size_t i, size_t j, size_t at) { sums.add(j, static_cast<double>(dys[at]) * xs[i]); });
  for (size_t i = 0; i < stored.size(); i++) bias_sums.add(i % outputs, stored[i]);
  check_close(d_weights.get(), sums.expected(beta, old), HS_F32, t.name(type) + " d_weights");
  if (bias) {
    check_close(d_bias.get(), bias_sums.expected(beta, old_bias), HS_F32, t.name(type) + " d_bias");
  }
}

std::vector<float> integers(size_t count, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(bits() % 7) - 3;
  return values;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

TEST(the_output_matches_the_definition) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      if (is_long(device, t)) continue;
      check_forward(device, t, HS_F32, {}, 1);
      check_forward(device, t, HS_F32, {HS_RELU, true, false}, 0);
      check_forward(device, t, HS_F32, {HS_GELU, true, true}, 1);
      check_forward(device, t, HS_F32, {HS_RELU, false, true}, 0);
    }
  });
}

TEST(the_gradient_of_the_input_matches_the_definition) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      if (is_long(device, t)) continue;
      check_backward_data(device, t, HS_F32, 0, 1);
      check_backward_data(device, t, HS_F32, 1, 0);
      check_backward_data(device, t, HS_F32, -0.5f, 1);
    }
  });
}

TEST(the_gradients_of_weights_and_bias_match_the_definition) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      if (is_long(device, t)) continue;
      check_backward_weights(device, t, HS_F32, 0, true, 1);
      check_backward_weights(device, t, HS_F32, 1, true, 0);
      check_backward_weights(device, t, HS_F32, -0.5f, false, 1);
    }
    // Shapes with several chunks of pixels, whose sums are added.
    check_backward_weights(device, {5, 20, 21, 3, 18, 3, 3, 1, 1, 1, 1}, HS_F32, 1, true, 0);
    check_backward_weights(device, {7, 30, 31, 1, 2, 3, 3, 1, 1, 1, 1}, HS_F32, 0, true, 0);
    check_backward_weights(device, {5, 30, 31, 20, 20, 3, 3, 1, 1, 1, 1, 1, 1, 20}, HS_F32, 1, true,
                           0);
  });
}

TEST(sixteen_bit_storage_matches_the_definition) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (const Shape& t : kShapes) {
        check_forward(device, t, type, {}, 0);
        if (is_long(device, t)) {
          if (type != HS_BF16) continue;
          check_backward_data(device, t, type, 0, 0);
          check_backward_weights(device, t, type, 0, true, 0);
          continue;
        }
        check_forward(device, t, type, {HS_RELU, true, true}, 1);
        check_backward_data(device, t, type, 0, 1);
        check_backward_data(device, t, type, 1, 0);
        check_backward_weights(device, t, type, 1, true, 1);
      }
    }
  });
}

// The fp64 reference uses the operands rounded to TF32; the bias gradient is not rounded.
TEST(tf32_matches_the_definition_on_rounded_operands) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      check_forward(device, t, HS_F32, {HS_RELU, true, true}, 0, true);
      check_backward_data(device, t, HS_F32, 0, 0, true);
      check_backward_weights(device, t, HS_F32, 1, true, 0, true);
      if (is_long(device, t)) continue;
      check_forward(device, t, HS_F32, {}, 1, true);
      check_backward_data(device, t, HS_F32, 1, 1, true);
      check_backward_weights(device, t, HS_F32, 0, false, 1, true);
    }
  });
}

TEST(integers_are_exact) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      const hs_conv2d_desc desc = t.desc(HS_F32);
      const size_t outputs = static_cast<size_t>(t.k);
      const std::vector<float> xs = integers(t.x_size(), 1), ws = integers(t.weights_size(), 2);
      const std::vector<float> dys = integers(t.y_size(), 3);
      Array<float> x(device, xs), weights(device, ws), dy(device, dys), y(device, dys.size());
      Array<float> dx(device, xs.size()), d_weights(device, ws.size()), d_bias(device, outputs);
      CHECK_OK(
          hs_conv2d(device.stream(), &desc, x.address(), weights.address(), 0, 0, y.address()));
      CHECK_OK(hs_conv2d_backward_data(device.stream(), &desc, dy.address(), weights.address(), 0,
                                       dx.address()));
      CHECK_OK(hs_conv2d_backward_weights(device.stream(), &desc, x.address(), dy.address(), 0,
                                          d_weights.address(), d_bias.address()));
      std::vector<float> ys(dys.size()), dxs(xs.size()), dws(ws.size()), dbs(outputs);
      for_products(t, [&](size_t i, size_t j, size_t at) {
        ys[at] += xs[i] * ws[j];
        dxs[i] += dys[at] * ws[j];
        dws[j] += dys[at] * xs[i];
      });
      for (size_t i = 0; i < dys.size(); i++) dbs[i % outputs] += dys[i];
      CHECK_THAT(y.get() == ys, t.name(HS_F32) + " y");
      CHECK_THAT(dx.get() == dxs, t.name(HS_F32) + " dx");
      CHECK_THAT(d_weights.get() == dws, t.name(HS_F32) + " d_weights");
      CHECK_THAT(d_bias.get() == dbs, t.name(HS_F32) + " d_bias");
    }
  });
}

// conv is linear in x and in the weights, so <dy, y> = <dx, x> = <d_weights, weights>.
TEST(gradients_are_adjoint_to_the_output) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      if (is_long(device, t)) continue;
      const hs_conv2d_desc desc = t.desc(HS_F32);
      const std::vector<float> xs = normals(t.x_size(), 1), ws = normals(t.weights_size(), 2);
      const std::vector<float> dys = normals(t.y_size(), 3);
      Array<float> x(device, xs), weights(device, ws), dy(device, dys), y(device, dys.size());
      Array<float> dx(device, xs.size()), d_weights(device, ws.size());
      CHECK_OK(
          hs_conv2d(device.stream(), &desc, x.address(), weights.address(), 0, 0, y.address()));
      CHECK_OK(hs_conv2d_backward_data(device.stream(), &desc, dy.address(), weights.address(), 0,
                                       dx.address()));
      CHECK_OK(hs_conv2d_backward_weights(device.stream(), &desc, x.address(), dy.address(), 0,
                                          d_weights.address(), 0));
      const double expected = dot(dys, y.get());
      const double bound = 1e-5 * std::sqrt(dot(dys, dys) * dot(y.get(), y.get())) + 1e-30;
      CHECK_THAT(std::abs(dot(dx.get(), xs) - expected) <= bound, t.name(HS_F32));
      CHECK_THAT(std::abs(dot(d_weights.get(), ws) - expected) <= bound, t.name(HS_F32));
    }
  });
}

TEST(a_nan_reaches_only_the_outputs_that_see_it) {
  on_devices([](Device& device) {
    const Shape t{1, 6, 6, 2, 3, 3, 3, 1, 1, 1, 1};
    std::vector<float> xs(t.x_size(), 1);
    xs[(2 * 6 + 3) * 2] = kNaN;
    Array<float> x(device, xs), weights(device, normals(t.weights_size(), 2));
    Array<float> y(device, t.y_size());
    const hs_conv2d_desc desc = t.desc(HS_F32, HS_RELU);
    CHECK_OK(hs_conv2d(device.stream(), &desc, x.address(), weights.address(), 0, 0, y.address()));
    const std::vector<float> ys = y.get();
    for (size_t p = 0; p < 6; p++) {
      for (size_t q = 0; q < 6; q++) {
        const bool sees = p >= 1 && p <= 3 && q >= 2 && q <= 4;
        CHECK(std::isnan(ys[(p * 6 + q) * 3]) == sees);
      }
    }
  });
}

TEST(results_do_not_depend_on_threads_or_capture) {
  on_devices([](Device& device) {
    for (const Shape& t :
         {Shape{8, 14, 14, 32, 64, 3, 3, 1, 1, 1, 1}, Shape{8, 28, 28, 1, 32, 3, 3, 1, 1, 1, 1},
          Shape{4, 15, 15, 24, 48, 3, 3, 2, 2, 1, 1, 1, 1, 3},
          Shape{4, 28, 28, 40, 40, 3, 3, 2, 2, 1, 1, 1, 1, 40},
          Shape{3, 10, 9, 8, 8, 3, 3, 1, 1, 1, 1}}) {
      if (is_long(device, t)) continue;
      const hs_conv2d_desc desc = t.desc(HS_F32, HS_RELU);
      Array<float> x(device, normals(t.x_size(), 1)), dx(device, t.x_size());
      Array<float> weights(device, normals(t.weights_size(), 2));
      Array<float> d_weights(device, t.weights_size()), d_bias(device, static_cast<size_t>(t.k));
      Array<float> y(device, t.y_size());
      check_same_everywhere(
          device,
          [&](hs_stream stream) {
            CHECK_OK(hs_conv2d(stream, &desc, x.address(), weights.address(), 0, 0, y.address()));
            CHECK_OK(hs_conv2d_backward_data(stream, &desc, y.address(), weights.address(), 0,
                                             dx.address()));
            CHECK_OK(hs_conv2d_backward_weights(stream, &desc, x.address(), y.address(), 0,
                                                d_weights.address(), d_bias.address()));
          },
          [&] {
            std::vector<float> all = y.get();
            for (const auto* more : {&dx, &d_weights, &d_bias}) {
              const std::vector<float> values = more->get();
              all.insert(all.end(), values.begin(), values.end());
            }
            return all;
          });
    }
  });
}

TEST(impossible_arguments_are_refused) {
  on_devices([](Device& device) {
    Array<float> a(device, 1024);
    const hs_ptr at = a.address();
    const hs_stream s = device.stream();
    const auto conv = [&](auto change, hs_ptr y = 1) {
      hs_conv2d_desc d = Shape{1, 4, 4, 4, 4, 3, 3}.desc(HS_F32);
      change(d);
      return hs_conv2d(s, &d, at, at, 0, 0, y == 0 ? 0 : at);
    };
    CHECK_REFUSED(conv([](auto& d) { d.type = HS_I32; }), "conv2d of I32");
    CHECK_REFUSED(conv([](auto& d) { d.c = 0; }), "x [1, 4, 4, 0]");
    CHECK_REFUSED(conv([](auto& d) { d.n = -1; }), "x [-1, 4, 4, 4]");
    CHECK_REFUSED(conv([](auto& d) { d.stride_w = 0; }), "strides 1, 0");
    CHECK_REFUSED(conv([](auto& d) { d.pad_h = -1; }), "pads -1, 0");
    CHECK_REFUSED(conv([](auto& d) { d.dilation_h = 0; }), "dilations 0, 1");
    CHECK_REFUSED(conv([](auto& d) { d.groups = 3; }), "3 groups do not divide 4");
    CHECK_REFUSED(conv([](auto& d) { d.r = 5; }), "a window of 5 x 3 does not fit into 4 x 4");
    CHECK_REFUSED(conv([](auto& d) { d.dilation_w = 2; }), "does not fit");
    CHECK_REFUSED(conv([](auto& d) { d.activation = HS_TANH; }), "cannot be fused");
    CHECK_REFUSED(conv([](auto&) {}, 0), "y is 0");
    const hs_conv2d_desc d = Shape{1, 4, 4, 4, 4, 3, 3}.desc(HS_F32);
    CHECK_REFUSED(hs_conv2d(s, nullptr, at, at, 0, 0, at), "desc is null");
    CHECK_REFUSED(hs_conv2d_backward_data(s, &d, at, at, 0, 0), "dx is 0");
    CHECK_REFUSED(hs_conv2d_backward_weights(s, &d, at, at, 0, 0, at), "d_weights is 0");
  });
}

KERNEL_TEST_MAIN()
