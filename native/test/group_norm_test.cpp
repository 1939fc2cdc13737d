// Group and layer normalisation against their definitions in fp64.
#include "compare.h"

using namespace hs::test;

namespace {

// Layer normalisation: rows shorter and longer than vectors, odd ones, several tiles, outputs
// stored past the caches. Group normalisation: one and many positions, samples of one tile and of
// several, instance normalisation (each channel is a group), and one group for all channels.
struct Shape {
  size_t n, positions, channels;
  int32_t groups;
};
constexpr Shape kShapes[] = {
    {1, 1, 1, 1},    {3, 1, 2, 1},     {5, 1, 10, 1},    {7, 1, 64, 1},     {33, 1, 65, 1},
    {2, 1, 1000, 1}, {300, 1, 768, 1}, {3, 1, 20000, 1}, {2048, 1, 512, 1}, {0, 1, 8, 2},
    {9, 1, 12, 3},   {17, 1, 96, 6},   {0, 3, 4, 2},     {1, 2, 1, 1},      {4, 9, 6, 3},
    {3, 49, 32, 32}, {2, 100, 10, 1},  {2, 5000, 16, 4}, {3, 1025, 64, 8},  {5, 16, 128, 32}};

struct Settings {
  hs_dtype type = HS_F32;
  bool parameters = true;
  float mean = 0.5f, deviation = 2;
};

hs_group_norm_desc describe(const Shape& shape, hs_dtype type) {
  return {type,
          static_cast<int64_t>(shape.n),
          static_cast<int64_t>(shape.positions),
          static_cast<int64_t>(shape.channels),
          shape.groups,
          1e-5f};
}

size_t count_of(const Shape& s) { return s.n * s.positions * s.channels; }

std::string name_of(const Shape& s, hs_dtype type) {
  return shape_name({s.n, s.positions, s.channels, static_cast<size_t>(s.groups)}) + " type " +
         std::to_string(type);
}

// The group of element i, counted over all samples.
size_t group_of(const Shape& s, size_t i) {
  const size_t groups = static_cast<size_t>(s.groups);
  return i / (s.positions * s.channels) * groups + i % s.channels / (s.channels / groups);
}

struct Group {
  double mean = 0, squares = 0;
};

std::vector<Group> groups_of(const Shape& s, const std::vector<float>& x) {
  std::vector<Group> groups(s.n * static_cast<size_t>(s.groups));
  const double n = static_cast<double>(s.positions * s.channels) / s.groups;
  for (size_t i = 0; i < x.size(); i++) groups[group_of(s, i)].mean += x[i] / n;
  for (size_t i = 0; i < x.size(); i++) {
    Group& g = groups[group_of(s, i)];
    g.squares += (x[i] - g.mean) * (x[i] - g.mean) / n;
  }
  return groups;
}

void check_shape(Device& device, const Shape& shape, const Settings& s) {
  const std::string where = name_of(shape, s.type);
  const size_t count = count_of(shape), channels = shape.channels;
  const size_t group_count = shape.n * static_cast<size_t>(shape.groups);
  const hs_group_norm_desc desc = describe(shape, s.type);
  const size_t shift = shape.n % 2;
  StorageArray x(device, s.type, normals(count, 1, s.deviation, s.mean), shift);
  StorageArray y(device, s.type, count, shift), dy(device, s.type, normals(count, 2), shift);
  StorageArray dx(device, s.type, count, shift);
  Array<float> gamma(device, normals(channels, 3, 0.5f, 1), 1),
      beta(device, normals(channels, 4), 1);
  Array<float> mean(device, group_count, 1), invstd(device, group_count, 1);
  Array<float> d_gamma(device, std::vector<float>(channels, 3), 1);
  Array<float> d_beta(device, std::vector<float>(channels, 5), 1);
  const hs_ptr scale = s.parameters ? gamma.address() : 0;
  const hs_ptr offset = s.parameters ? beta.address() : 0;
  CHECK_OK(hs_group_norm(device.stream(), &desc, x.address(), scale, offset, y.address(),
                         mean.address(), invstd.address()));
  CHECK_OK(hs_group_norm_backward(
      device.stream(), &desc, dy.address(), x.address(), scale, mean.address(), invstd.address(),
      dx.address(), s.parameters ? d_gamma.address() : 0, s.parameters ? d_beta.address() : 0, 2));

  const std::vector<float> xs = x.get(), g = dy.get(), gammas = gamma.get(), betas = beta.get();
  const std::vector<Group> groups = groups_of(shape, xs);
  std::vector<Expected> means, invstds, outputs;
  for (const Group& group : groups) {
    const double deviation = std::sqrt(group.squares + 1e-5f);
    // Kernels sum distances from one of the values, which lies up to 4 deviations from the mean.
    means.push_back({group.mean, 16 * kUnit * (deviation + 1e-3)});
    invstds.push_back({1 / deviation, 16 * kUnit / deviation});
  }
  const auto gamma_of = [&](size_t i) { return s.parameters ? gammas[i % channels] : 1.0; };
  for (size_t i = 0; i < count; i++) {
    const size_t at = group_of(shape, i);
    const double inverse = invstds[at].value;
    const double scaled = (xs[i] - means[at].value) * inverse * gamma_of(i);
    const double added = s.parameters ? betas[i % channels] : 0.0;
    const double lost = std::abs(gamma_of(i)) * (1 + std::abs(means[at].value) * inverse);
    outputs.push_back({scaled + added, 16 * kUnit * (std::abs(scaled) + std::abs(added) + lost)});
  }
  check_close(mean.get(), means, HS_F32, where + " mean");
  check_close(invstd.get(), invstds, HS_F32, where + " invstd");
  check_close(y.get(), outputs, s.type, where);

  // The gradients, computed from the statistics that the forward pass saved.
  const std::vector<float> m = mean.get(), inv = invstd.get();
  std::vector<double> sums(group_count), products(group_count), sizes(group_count),
      product_sizes(group_count);
  std::vector<Expected> d_gammas(channels, {6, 0}), d_betas(channels, {10, 0}), d_x;
  const double n = static_cast<double>(shape.positions * channels) / shape.groups;
  const auto normal = [&](size_t i) {
    const size_t at = group_of(shape, i);
    return (static_cast<double>(xs[i]) - m[at]) * inv[at];
  };
  for (size_t i = 0; i < count; i++) {
    const size_t at = group_of(shape, i);
    const double scaled = g[i] * gamma_of(i);
    sums[at] += scaled / n;
    products[at] += scaled * normal(i) / n;
    sizes[at] += std::abs(scaled) / n;
    product_sizes[at] += std::abs(scaled * normal(i)) / n;
    d_gammas[i % channels].value += g[i] * normal(i);
    d_gammas[i % channels].bound += 16 * kUnit * (1 + std::abs(g[i] * normal(i)));
    d_betas[i % channels].value += g[i];
    d_betas[i % channels].bound += 16 * kUnit * (1 + std::abs(g[i]));
  }
  for (size_t i = 0; i < count; i++) {
    const size_t at = group_of(shape, i);
    const double scaled = g[i] * gamma_of(i), h = normal(i);
    d_x.push_back(
        {inv[at] * (scaled - sums[at] - h * products[at]),
         16 * kUnit * inv[at] * (std::abs(scaled) + sizes[at] + std::abs(h) * product_sizes[at])});
  }
  check_close(dx.get(), d_x, s.type, where + " dx");
  if (!s.parameters) return;
  check_close(d_gamma.get(), d_gammas, HS_F32, where + " d_gamma");
  check_close(d_beta.get(), d_betas, HS_F32, where + " d_beta");
}

}  // namespace

TEST(outputs_and_gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (const Shape& shape : kShapes) {
      if (is_left_out(device, count_of(shape))) continue;
      check_shape(device, shape, {});
      check_shape(device, shape, {.parameters = false});
    }
  });
}

TEST(sixteen_bit_storage_matches_the_definition) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (const Shape& shape : kShapes) {
        if (!is_left_out(device, count_of(shape))) check_shape(device, shape, {.type = type});
      }
    }
  });
}

TEST(a_mean_far_from_zero_costs_no_precision_of_the_variance) {
  on_devices([](Device& device) {
    for (const Shape& shape : {Shape{5, 1, 768, 1}, Shape{3, 1025, 64, 8}, Shape{4, 9, 6, 3}}) {
      check_shape(device, shape, {.mean = 1000, .deviation = 1});
      check_shape(device, shape, {.mean = -1000, .deviation = 0.05f});
    }
  });
}

TEST(gradients_match_finite_differences) {
  on_devices([](Device& device) {
    for (const Shape& shape : {Shape{3, 1, 6, 2}, Shape{2, 5, 6, 2}}) {
      const size_t count = count_of(shape), channels = shape.channels;
      const hs_group_norm_desc desc = describe(shape, HS_F32);
      Array<float> x(device, normals(count, 1)), y(device, count), dx(device, count);
      Array<float> dy(device, normals(count, 2)), gamma(device, normals(channels, 3, 1, 1));
      Array<float> beta(device, normals(channels, 4)), mean(device, 2 * shape.n);
      Array<float> invstd(device, 2 * shape.n), d_gamma(device, channels), d_beta(device, channels);
      CHECK_OK(hs_group_norm(device.stream(), &desc, x.address(), gamma.address(), beta.address(),
                             y.address(), mean.address(), invstd.address()));
      CHECK_OK(hs_group_norm_backward(device.stream(), &desc, dy.address(), x.address(),
                                      gamma.address(), mean.address(), invstd.address(),
                                      dx.address(), d_gamma.address(), d_beta.address(), 0));
      const std::vector<float> weight = dy.get();
      const auto loss = [&](const std::vector<double>& v, const std::vector<double>& scale,
                            const std::vector<double>& shift) {
        std::vector<Group> groups(2 * shape.n);
        const double n = static_cast<double>(shape.positions * channels) / 2;
        for (size_t i = 0; i < count; i++) groups[group_of(shape, i)].mean += v[i] / n;
        for (size_t i = 0; i < count; i++) {
          Group& g = groups[group_of(shape, i)];
          g.squares += (v[i] - g.mean) * (v[i] - g.mean) / n;
        }
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
          const Group& g = groups[group_of(shape, i)];
          const double normal = (v[i] - g.mean) / std::sqrt(g.squares + 1e-5f);
          sum += weight[i] * (normal * scale[i % channels] + shift[i % channels]);
        }
        return sum;
      };
      const std::vector<double> v = wide(x.get()), scale = wide(gamma.get()),
                                shift = wide(beta.get());
      std::vector<Expected> d_x, d_scale, d_shift;
      for (size_t i = 0; i < count; i++) {
        d_x.push_back({slope(v, i, [&](const auto& t) { return loss(t, scale, shift); }), 1e-5});
      }
      for (size_t c = 0; c < channels; c++) {
        d_scale.push_back(
            {slope(scale, c, [&](const auto& t) { return loss(v, t, shift); }), 1e-5});
        d_shift.push_back(
            {slope(shift, c, [&](const auto& t) { return loss(v, scale, t); }), 1e-5});
      }
      check_close(dx.get(), d_x, HS_F32, "dx");
      check_close(d_gamma.get(), d_scale, HS_F32, "d_gamma");
      check_close(d_beta.get(), d_shift, HS_F32, "d_beta");
    }
  });
}

TEST(outputs_may_take_the_place_of_inputs_and_statistics_may_be_left_out) {
  on_devices([](Device& device) {
    for (const Shape& shape : {Shape{9, 1, 12, 3}, Shape{300, 1, 768, 1}, Shape{2, 5000, 16, 4}}) {
      const size_t count = count_of(shape);
      const size_t groups = shape.n * static_cast<size_t>(shape.groups);
      const hs_group_norm_desc desc = describe(shape, HS_F32);
      Array<float> x(device, normals(count, 1)), y(device, count), dy(device, normals(count, 2));
      Array<float> dx(device, count), mean(device, groups), invstd(device, groups);
      hs_stream s = device.stream();
      CHECK_OK(hs_group_norm(s, &desc, x.address(), 0, 0, y.address(), mean.address(),
                             invstd.address()));
      CHECK_OK(hs_group_norm_backward(s, &desc, dy.address(), x.address(), 0, mean.address(),
                                      invstd.address(), dx.address(), 0, 0, 0));
      CHECK_OK(hs_group_norm_backward(s, &desc, dy.address(), x.address(), 0, mean.address(),
                                      invstd.address(), dy.address(), 0, 0, 0));
      CHECK(same_bits(dy.get(), dx.get()));
      CHECK_OK(hs_group_norm(s, &desc, x.address(), 0, 0, x.address(), 0, 0));
      CHECK(same_bits(x.get(), y.get()));
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    for (const Shape& shape :
         {Shape{777, 1, 100, 2}, Shape{5, 3000, 24, 4}, Shape{50, 64, 32, 8}}) {
      if (is_left_out(device, count_of(shape))) continue;
      const size_t count = count_of(shape), channels = shape.channels;
      const size_t groups = shape.n * static_cast<size_t>(shape.groups);
      const hs_group_norm_desc desc = describe(shape, HS_F32);
      Array<float> x(device, normals(count, 1)), y(device, count), dy(device, normals(count, 2));
      Array<float> dx(device, count), mean(device, groups), invstd(device, groups);
      Array<float> gamma(device, normals(channels, 3)), beta(device, normals(channels, 4));
      Array<float> d_gamma(device, channels), d_beta(device, channels);
      check_same_everywhere(
          device,
          [&](hs_stream s) {
            CHECK_OK(hs_group_norm(s, &desc, x.address(), gamma.address(), beta.address(),
                                   y.address(), mean.address(), invstd.address()));
            CHECK_OK(hs_group_norm_backward(s, &desc, dy.address(), x.address(), gamma.address(),
                                            mean.address(), invstd.address(), dx.address(),
                                            d_gamma.address(), d_beta.address(), 0));
          },
          [&] {
            std::vector<float> all = y.get();
            for (const auto& part : {dx.get(), d_gamma.get(), d_beta.get()}) {
              all.insert(all.end(), part.begin(), part.end());
            }
            return all;
          });
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    const auto forward = [&](const Shape& shape, hs_dtype type = HS_F32, float eps = 1e-5f) {
      hs_group_norm_desc d = describe(shape, type);
      d.eps = eps;
      return hs_group_norm(s, &d, at, at, at, at, at, at);
    };
    CHECK_REFUSED(forward({2, 2, 6, 4}), "in 4 groups");
    CHECK_REFUSED(forward({2, 0, 6, 3}), "x [2, 0, 6]");
    CHECK_REFUSED(forward({2, 2, 6, 0}), "in 0 groups");
    CHECK_REFUSED(forward({2, 2, 6, 3}, HS_U8), "of U8");
    CHECK_REFUSED(forward({2, 2, 6, 3}, HS_F32, -1), "eps -1");
    const hs_group_norm_desc d = describe({2, 2, 4, 2}, HS_F32);
    CHECK_REFUSED(hs_group_norm(s, nullptr, at, at, at, at, at, at), "desc is null");
    CHECK_REFUSED(hs_group_norm(s, &d, at, at, 0, at, at, at), "together");
    CHECK_REFUSED(hs_group_norm(s, &d, at, 0, 0, at, at, 0), "together");
    CHECK_REFUSED(hs_group_norm(s, &d, at, 0, 0, 0, 0, 0), "y is 0");
    CHECK_REFUSED(hs_group_norm_backward(s, &d, at, at, 0, 0, at, at, 0, 0, 0), "saved_mean");
    CHECK_REFUSED(hs_group_norm_backward(s, &d, at, at, 0, at, at, at, at, 0, 0), "or neither");
  });
}

KERNEL_TEST_MAIN()
