// Pooling and its gradient against their definition in fp64.
#include <utility>

#include "compare.h"

using namespace hs::test;

namespace {

struct Shape {
  int64_t n, h, w, c;
  int32_t r, s, stride_h, stride_w, pad_h = 0, pad_w = 0;

  int64_t p() const { return (h + 2 * pad_h - r) / stride_h + 1; }
  int64_t q() const { return (w + 2 * pad_w - s) / stride_w + 1; }
  size_t x_size() const { return static_cast<size_t>(n * h * w * c); }
  size_t y_size() const { return static_cast<size_t>(n * p() * q() * c); }
  std::string name(hs_dtype type) const {
    return shape_name({n, h, w, c}) + " window " + shape_name({r, s}) + " stride " +
           shape_name({stride_h, stride_w}) + " pad " + shape_name({pad_h, pad_w}) + " type " +
           std::to_string(type);
  }
  hs_pool2d_desc desc(hs_pool pool, hs_dtype type) const {
    return {pool, type, n, h, w, c, r, s, stride_h, stride_w, pad_h, pad_w};
  }
};

const Shape kShapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1},             // one element
    {0, 4, 4, 3, 2, 2, 2, 2},             // no image
    {2, 8, 6, 32, 2, 2, 2, 2},            // windows that touch
    {2, 9, 7, 17, 2, 2, 2, 2},            // a row and a column that no window contains
    {2, 9, 9, 5, 3, 3, 2, 2, 1, 1},       // windows that overlap
    {1, 7, 8, 3, 3, 2, 1, 1, 1, 0},       // each pixel in many windows
    {1, 10, 11, 1, 2, 3, 3, 4, 0, 1},     // gaps between windows
    {3, 7, 7, 40, 7, 7, 7, 7},            // global
    {1, 5, 6, 2, 5, 51, 1, 7, 2, 23},     // 255 elements, most of them padding
    {2, 33, 35, 20, 2, 2, 2, 2},          // several tiles
    {2, 130, 130, 32, 3, 3, 2, 2, 1, 1},  // a gradient larger than the caches
};

// Calls fn(index in y, index in x, place in the window) for every element of every window, channel
// by channel.
template <class Fn>
void for_windows(const Shape& t, const Fn& fn) {
  size_t y = 0;
  for (int64_t n = 0; n < t.n; n++)
    for (int64_t p = 0; p < t.p(); p++)
      for (int64_t q = 0; q < t.q(); q++)
        for (int64_t c = 0; c < t.c; c++, y++)
          for (int64_t r = 0; r < t.r; r++)
            for (int64_t s = 0; s < t.s; s++) {
              const int64_t h = p * t.stride_h + r - t.pad_h, w = q * t.stride_w + s - t.pad_w;
              if (h < 0 || h >= t.h || w < 0 || w >= t.w) continue;
              fn(y, static_cast<size_t>(((n * t.h + h) * t.w + w) * t.c + c),
                 static_cast<uint8_t>(r * t.s + s));
            }
}

// The maxima of `x`, and their places in the windows.
std::pair<std::vector<float>, std::vector<uint8_t>> maxima(const Shape& t,
                                                           const std::vector<float>& x) {
  std::vector<float> best(t.y_size());
  std::vector<uint8_t> places(t.y_size());
  std::vector<bool> seen(t.y_size());
  for_windows(t, [&](size_t y, size_t i, uint8_t place) {
    const bool larger = x[i] > best[y] || (std::isnan(x[i]) && !std::isnan(best[y]));
    if (seen[y] && !larger) return;
    seen[y] = true;
    best[y] = x[i];
    places[y] = place;
  });
  return {best, places};
}

void check_max(Device& device, const Shape& t, hs_dtype type, const std::vector<float>& values,
               size_t shift) {
  StorageArray x(device, type, values, shift), y(device, type, t.y_size(), shift);
  StorageArray plain(device, type, t.y_size(), shift);
  Array<uint8_t> index(device, t.y_size(), shift);
  const hs_pool2d_desc desc = t.desc(HS_MAX_POOL, type);
  CHECK_OK(hs_pool2d(device.stream(), &desc, x.address(), y.address(), index.address()));
  CHECK_OK(hs_pool2d(device.stream(), &desc, x.address(), plain.address(), 0));
  const auto [best, places] = maxima(t, x.get());
  CHECK_THAT(same_bits(y.get(), best), t.name(type));
  CHECK_THAT(same_bits(plain.get(), best), t.name(type) + " without index");
  CHECK_THAT(index.get() == places, t.name(type));
}

void check_max_backward(Device& device, const Shape& t, hs_dtype type, size_t shift) {
  const auto [best, places] = maxima(t, normals(t.x_size(), 1));
  StorageArray dy(device, type, normals(t.y_size(), 2), shift);
  StorageArray dx(device, type, t.x_size(), shift);
  Array<uint8_t> index(device, places, shift);
  const hs_pool2d_desc desc = t.desc(HS_MAX_POOL, type);
  CHECK_OK(hs_pool2d_backward(device.stream(), &desc, dy.address(), index.address(), dx.address()));
  const std::vector<float> dys = dy.get();
  std::vector<Expected> expected(t.x_size());
  for_windows(t, [&](size_t y, size_t i, uint8_t place) {
    if (place != places[y]) return;
    expected[i].value += dys[y];
    expected[i].bound += 4 * kUnit * std::abs(dys[y]);
  });
  check_close(dx.get(), expected, type, t.name(type) + " dx of maxima");
}

void check_average(Device& device, const Shape& t, hs_pool pool, hs_dtype type, size_t shift) {
  StorageArray x(device, type, normals(t.x_size(), 1), shift), y(device, type, t.y_size(), shift);
  StorageArray dy(device, type, normals(t.y_size(), 2), shift);
  StorageArray dx(device, type, t.x_size(), shift);
  const hs_pool2d_desc desc = t.desc(pool, type);
  CHECK_OK(hs_pool2d(device.stream(), &desc, x.address(), y.address(), 0));
  CHECK_OK(hs_pool2d_backward(device.stream(), &desc, dy.address(), 0, dx.address()));
  const std::vector<float> xs = x.get(), dys = dy.get();
  std::vector<double> sizes(t.y_size());
  for_windows(t, [&](size_t at, size_t, uint8_t) { sizes[at] += 1; });
  if (pool == HS_AVERAGE_POOL_PADDED) std::fill(sizes.begin(), sizes.end(), t.r * t.s);
  std::vector<Expected> averages(t.y_size()), gradients(t.x_size());
  for_windows(t, [&](size_t at, size_t i, uint8_t) {
    averages[at].value += xs[i] / sizes[at];
    averages[at].bound += 4 * kUnit * std::sqrt(sizes[at]) * std::abs(xs[i]) / sizes[at];
    gradients[i].value += dys[at] / sizes[at];
    gradients[i].bound += 16 * kUnit * std::abs(dys[at]) / sizes[at];
  });
  check_close(y.get(), averages, type, t.name(type) + " averages");
  check_close(dx.get(), gradients, type, t.name(type) + " dx of averages");
}

}  // namespace

TEST(maxima_and_their_places_are_exact) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      for (hs_dtype type : {HS_F32, HS_BF16, HS_F16}) {
        check_max(device, t, type, normals(t.x_size(), 1), 1);
        check_max(device, t, type, normals(t.x_size(), 1, 1, -100), 0);  // all negative
        // Many equal values: the first one is the maximum.
        std::vector<float> ties = normals(t.x_size(), 2);
        for (float& value : ties) value = std::round(value);
        for (float& value : ties) value = value == 0 ? 0 : value;  // removes -0
        check_max(device, t, type, ties, 0);
      }
    }
  });
}

TEST(not_a_number_is_the_maximum_and_infinity_a_number) {
  on_devices([](Device& device) {
    const Shape t{1, 4, 4, 3, 2, 2, 2, 2};
    std::vector<float> x(t.x_size(), -kInfinity);
    check_max(device, t, HS_F32, x, 0);
    x[4] = kInfinity;
    x[20] = kNaN;
    x[32] = kNaN;
    check_max(device, t, HS_F32, x, 0);
  });
}

TEST(gradients_of_maxima_go_to_their_places) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      for (hs_dtype type : {HS_F32, HS_BF16, HS_F16}) {
        for (size_t shift : {0, 1}) check_max_backward(device, t, type, shift);
      }
    }
  });
}

TEST(averages_leave_the_padding_out_or_count_it) {
  on_devices([](Device& device) {
    for (const Shape& t : kShapes) {
      for (hs_dtype type : {HS_F32, HS_BF16, HS_F16}) {
        for (size_t shift : {0, 1}) {
          check_average(device, t, HS_AVERAGE_POOL, type, shift);
          check_average(device, t, HS_AVERAGE_POOL_PADDED, type, shift);
        }
      }
    }
  });
}

TEST(padding_counts_as_zeros_where_it_counts) {
  on_devices([](Device& device) {
    Array<float> x(device, std::vector<float>{1, 2, 3, 4}), y(device, 9);
    hs_pool2d_desc desc = Shape{1, 2, 2, 1, 2, 2, 1, 1, 1, 1}.desc(HS_AVERAGE_POOL_PADDED, HS_F32);
    CHECK_OK(hs_pool2d(device.stream(), &desc, x.address(), y.address(), 0));
    CHECK(y.get() == std::vector<float>({0.25f, 0.75f, 0.5f, 1, 2.5f, 1.5f, 0.75f, 1.75f, 1}));
    desc.pool = HS_AVERAGE_POOL;
    CHECK_OK(hs_pool2d(device.stream(), &desc, x.address(), y.address(), 0));
    CHECK(y.get() == std::vector<float>({1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4}));
  });
}

TEST(gradients_are_the_slopes_of_the_output) {
  on_devices([](Device& device) {
    const Shape t{1, 5, 6, 2, 3, 3, 2, 2, 1, 1};
    const std::vector<float> xs = normals(t.x_size(), 1), dys = normals(t.y_size(), 2);
    for (hs_pool pool : {HS_MAX_POOL, HS_AVERAGE_POOL, HS_AVERAGE_POOL_PADDED}) {
      const hs_pool2d_desc desc = t.desc(pool, HS_F32);
      Array<float> x(device, xs), y(device, dys.size()), dy(device, dys), dx(device, xs.size());
      Array<uint8_t> index(device, dys.size());
      const hs_ptr places = pool == HS_MAX_POOL ? index.address() : 0;
      CHECK_OK(hs_pool2d(device.stream(), &desc, x.address(), y.address(), places));
      CHECK_OK(hs_pool2d_backward(device.stream(), &desc, dy.address(), places, dx.address()));
      const auto weighted = [&](const std::vector<double>& at) {
        std::vector<double> out(dys.size(), pool == HS_MAX_POOL ? -1e30 : 0), sizes(dys.size());
        for_windows(t, [&](size_t o, size_t i, uint8_t) {
          out[o] = pool == HS_MAX_POOL ? std::max(out[o], at[i]) : out[o] + at[i];
          sizes[o] += 1;
        });
        if (pool == HS_AVERAGE_POOL_PADDED) std::fill(sizes.begin(), sizes.end(), t.r * t.s);
        double sum = 0;
        for (size_t o = 0; o < out.size(); o++) {
          sum += dys[o] * (pool == HS_MAX_POOL ? out[o] : out[o] / sizes[o]);
        }
        return sum;
      };
      const std::vector<float> got = dx.get();
      for (size_t i = 0; i < xs.size(); i++) {
        CHECK(std::abs(got[i] - slope(wide(xs), i, weighted)) < 1e-6);
      }
    }
  });
}

TEST(results_do_not_depend_on_threads_or_capture) {
  on_devices([](Device& device) {
    const Shape t{8, 28, 28, 32, 3, 3, 2, 2, 1, 1};
    for (hs_pool pool : {HS_MAX_POOL, HS_AVERAGE_POOL}) {
      const hs_pool2d_desc desc = t.desc(pool, HS_F32);
      Array<float> x(device, normals(t.x_size(), 1)), y(device, t.y_size());
      Array<float> dx(device, t.x_size());
      Array<uint8_t> index(device, std::vector<uint8_t>(t.y_size()));
      const hs_ptr places = pool == HS_MAX_POOL ? index.address() : 0;
      check_same_everywhere(
          device,
          [&](hs_stream stream) {
            CHECK_OK(hs_pool2d(stream, &desc, x.address(), y.address(), places));
            CHECK_OK(hs_pool2d_backward(stream, &desc, y.address(), places, dx.address()));
          },
          [&] {
            std::vector<float> all = y.get(), more = dx.get();
            all.insert(all.end(), more.begin(), more.end());
            for (uint8_t place : index.get()) all.push_back(place);
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
    const auto pool = [&](auto change, hs_ptr y = 1, hs_ptr index = 0) {
      hs_pool2d_desc d = Shape{1, 4, 4, 4, 2, 2, 2, 2}.desc(HS_MAX_POOL, HS_F32);
      change(d);
      return hs_pool2d(s, &d, at, y == 0 ? 0 : at, index);
    };
    CHECK_REFUSED(pool([](auto& d) { d.pool = 3; }), "3 is not an hs_pool");
    CHECK_REFUSED(pool([](auto& d) { d.type = HS_U8; }), "pool2d of U8");
    CHECK_REFUSED(pool([](auto& d) { d.h = 0; }), "x [1, 0, 4, 4]");
    CHECK_REFUSED(pool([](auto& d) { d.stride_h = 0; }), "strides 0, 2");
    CHECK_REFUSED(pool([](auto& d) { d.pad_w = 2; }), "less than the window");
    CHECK_REFUSED(pool([](auto& d) { d.r = 5; }), "a window of 5 x 2 does not fit into 4 x 4");
    CHECK_REFUSED(pool([](auto&) {}, 0), "y is 0");
    CHECK_REFUSED(pool([](auto& d) { d.h = d.w = d.r = d.s = 16; }, 1, at),
                  "the window is 16 x 16");
    CHECK_REFUSED(pool([](auto& d) { d.pool = HS_AVERAGE_POOL; }, 1, at), "kept for max pooling");
    const hs_pool2d_desc d = Shape{1, 4, 4, 4, 2, 2, 2, 2}.desc(HS_MAX_POOL, HS_F32);
    CHECK_REFUSED(hs_pool2d(s, nullptr, at, at, 0), "desc is null");
    CHECK_REFUSED(hs_pool2d_backward(s, &d, at, 0, at), "needs the index");
    CHECK_REFUSED(hs_pool2d_backward(s, &d, at, at, 0), "dx is 0");
  });
}

KERNEL_TEST_MAIN()
