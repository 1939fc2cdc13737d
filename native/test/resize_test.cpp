// Bilinear resizing and its gradient against their definition in fp64.
#include "compare.h"

using namespace hs::test;

namespace {

struct Shape {
  int64_t n, h, w, c, p, q;

  size_t x_size() const { return static_cast<size_t>(n * h * w * c); }
  size_t y_size() const { return static_cast<size_t>(n * p * q * c); }
  std::string name(hs_dtype type) const {
    return shape_name({n, h, w, c}) + " to " + shape_name({p, q}) + " type " + std::to_string(type);
  }
  hs_resize_desc desc(hs_dtype type) const { return {type, n, h, w, c, p, q}; }
};

const Shape kShapes[] = {
    {1, 1, 1, 1, 1, 1},       // one element
    {0, 4, 4, 3, 2, 2},       // no image
    {2, 5, 6, 3, 5, 6},       // the same size
    {2, 4, 5, 17, 8, 10},     // twice the size
    {1, 8, 10, 16, 4, 5},     // half the size
    {2, 7, 9, 5, 11, 4},      // up and down at once
    {1, 1, 1, 33, 6, 7},      // from one pixel
    {1, 6, 7, 2, 1, 1},       // to one pixel
    {1, 40, 3, 1, 3, 41},     // sources that contribute to no output
    {2, 30, 31, 20, 37, 29},  // several tiles
};

// Calls fn(index in y, index in x, weight) for the four neighbours of every output.
template <class Fn>
void for_neighbours(const Shape& t, const Fn& fn) {
  const auto source = [](int64_t i, int64_t extent, int64_t outputs) {
    const double ratio = static_cast<double>(extent) / static_cast<double>(outputs);
    return std::max(0.0, (static_cast<double>(i) + 0.5) * ratio - 0.5);
  };
  size_t y = 0;
  for (int64_t n = 0; n < t.n; n++)
    for (int64_t p = 0; p < t.p; p++)
      for (int64_t q = 0; q < t.q; q++)
        for (int64_t c = 0; c < t.c; c++, y++) {
          const double row = source(p, t.h, t.p), column = source(q, t.w, t.q);
          const double above = std::floor(row), left = std::floor(column);
          for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
              const int64_t h = std::min(static_cast<int64_t>(above) + i, t.h - 1);
              const int64_t w = std::min(static_cast<int64_t>(left) + j, t.w - 1);
              const double down = i == 0 ? 1 - (row - above) : row - above;
              const double across = j == 0 ? 1 - (column - left) : column - left;
              fn(y, static_cast<size_t>(((n * t.h + h) * t.w + w) * t.c + c), down * across);
            }
        }
}

void check(Device& device, const Shape& t, hs_dtype type, size_t shift) {
  StorageArray x(device, type, normals(t.x_size(), 1), shift), y(device, type, t.y_size(), shift);
  StorageArray dy(device, type, normals(t.y_size(), 2), shift);
  StorageArray dx(device, type, t.x_size(), shift);
  const hs_resize_desc desc = t.desc(type);
  CHECK_OK(hs_resize(device.stream(), &desc, x.address(), y.address()));
  CHECK_OK(hs_resize_backward(device.stream(), &desc, dy.address(), dx.address()));
  const std::vector<float> xs = x.get(), dys = dy.get();
  std::vector<Expected> outputs(t.y_size()), gradients(t.x_size());
  // The weights are differences from one, so their rounding error is absolute.
  for_neighbours(t, [&](size_t at, size_t i, double weight) {
    outputs[at].value += weight * xs[i];
    outputs[at].bound += 4 * kUnit * (weight + 1) * std::abs(xs[i]);
    gradients[i].value += weight * dys[at];
    gradients[i].bound += 8 * kUnit * (weight + 1) * std::abs(dys[at]);
  });
  check_close(y.get(), outputs, type, t.name(type));
  check_close(dx.get(), gradients, type, t.name(type) + " dx");
}

}  // namespace

TEST(outputs_and_gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      for (hs_dtype type : {HS_F32, HS_BF16, HS_F16}) check(device, t, type, 1);
      check(device, t, HS_F32, 0);
    }
  });
}

TEST(the_same_size_changes_nothing) {
  on_devices([](Device& device) {
    const Shape t{2, 9, 7, 5, 9, 7};
    const hs_resize_desc desc = t.desc(HS_F32);
    const std::vector<float> xs = normals(t.x_size(), 1);
    Array<float> x(device, xs), y(device, xs.size()), dx(device, xs.size());
    CHECK_OK(hs_resize(device.stream(), &desc, x.address(), y.address()));
    CHECK_OK(hs_resize_backward(device.stream(), &desc, y.address(), dx.address()));
    CHECK(same_bits(y.get(), xs));
    CHECK(same_bits(dx.get(), xs));
  });
}

TEST(half_and_double_sizes_are_exact) {
  on_devices([](Device& device) {
    // The output lies in the middle of two rows, and at quarters between two columns.
    const Shape t{1, 2, 2, 1, 1, 4};
    const hs_resize_desc desc = t.desc(HS_F32);
    Array<float> x(device, {0, 8, 16, 24}), y(device, 4), dx(device, 4);
    CHECK_OK(hs_resize(device.stream(), &desc, x.address(), y.address()));
    CHECK(y.get() == std::vector<float>({8, 10, 14, 16}));
    Array<float> dy(device, {1, 2, 4, 8});
    CHECK_OK(hs_resize_backward(device.stream(), &desc, dy.address(), dx.address()));
    CHECK(dx.get() == std::vector<float>({1.75f, 5.75f, 1.75f, 5.75f}));
  });
}

TEST(gradients_are_the_slopes_of_the_output) {
  on_devices([](Device& device) {
    const Shape t{1, 4, 5, 2, 6, 3};
    const hs_resize_desc desc = t.desc(HS_F32);
    const std::vector<float> xs = normals(t.x_size(), 1), dys = normals(t.y_size(), 2);
    Array<float> dy(device, dys), dx(device, xs.size());
    CHECK_OK(hs_resize_backward(device.stream(), &desc, dy.address(), dx.address()));
    const auto weighted = [&](const std::vector<double>& at) {
      double sum = 0;
      for_neighbours(t, [&](size_t o, size_t i, double weight) { sum += dys[o] * weight * at[i]; });
      return sum;
    };
    const std::vector<float> got = dx.get();
    for (size_t i = 0; i < xs.size(); i++) {
      CHECK(std::abs(got[i] - slope(wide(xs), i, weighted)) < 1e-6);
    }
  });
}

TEST(results_do_not_depend_on_threads_or_capture) {
  on_devices([](Device& device) {
    const Shape t{4, 28, 28, 32, 41, 39};
    const hs_resize_desc desc = t.desc(HS_F32);
    Array<float> x(device, normals(t.x_size(), 1)), y(device, t.y_size()), dx(device, t.x_size());
    check_same_everywhere(
        device,
        [&](hs_stream stream) {
          CHECK_OK(hs_resize(stream, &desc, x.address(), y.address()));
          CHECK_OK(hs_resize_backward(stream, &desc, y.address(), dx.address()));
        },
        [&] {
          std::vector<float> all = y.get(), more = dx.get();
          all.insert(all.end(), more.begin(), more.end());
          return all;
        });
  });
}

TEST(impossible_arguments_are_refused) {
  on_devices([](Device& device) {
    Array<float> a(device, 64);
    const hs_ptr at = a.address();
    const hs_stream s = device.stream();
    const auto resize = [&](auto change) {
      hs_resize_desc d = Shape{1, 2, 2, 2, 3, 3}.desc(HS_F32);
      change(d);
      return hs_resize(s, &d, at, at);
    };
    CHECK_REFUSED(resize([](auto& d) { d.type = HS_F64; }), "resize of F64");
    CHECK_REFUSED(resize([](auto& d) { d.p = 0; }), "to 0 x 3");
    CHECK_REFUSED(resize([](auto& d) { d.n = -2; }), "[-2, 2, 2, 2]");
    const hs_resize_desc d = Shape{1, 2, 2, 2, 3, 3}.desc(HS_F32);
    CHECK_REFUSED(hs_resize(s, nullptr, at, at), "desc is null");
    CHECK_REFUSED(hs_resize(s, &d, at, 0), "y is 0");
    CHECK_REFUSED(hs_resize_backward(s, &d, 0, at), "dy is 0");
  });
}

KERNEL_TEST_MAIN()
