// Batch normalisation against its definition in fp64.
#include "compare.h"
#include "cuda/batch_norm_slabs.h"

using namespace hs::test;

namespace {

// Two rows of one channel; narrow rows that are joined; one channel fewer than a vector, as many,
// and one more; several tiles of rows, the last one short; more columns than rows; outputs that are
// stored past the caches; a backward pass in FP32 that just fits into the simulated device's shared
// memory, and the same with one more row.
constexpr size_t kShapes[][2] = {{2, 1},     {3, 5},     {7, 17},    {16, 64},   {33, 10},
                                 {100, 3},   {64, 63},   {65, 65},   {129, 128}, {1000, 7},
                                 {700, 200}, {20000, 3}, {4097, 64}, {5, 3000},  {32768, 64},
                                 {6712, 16}, {6713, 16}};

// While it lives, blocks of the simulated device have so little shared memory that small shapes are
// cut as large ones are on other devices: each thread has room for 12 rows of one array.
class SmallDevice {
 public:
  static constexpr size_t kBytes = hs::cuda::kSlabScratchBytes + 12 * hs::cuda::kSlotBytes;
  explicit SmallDevice(int multiprocessors = 4) {
    setenv("HALFSTEP_SIM_SHARED", std::to_string(kBytes).c_str(), 1);
    setenv("HALFSTEP_SIM_MULTIPROCESSORS", std::to_string(multiprocessors).c_str(), 1);
  }
  ~SmallDevice() {
    unsetenv("HALFSTEP_SIM_SHARED");
    unsetenv("HALFSTEP_SIM_MULTIPROCESSORS");
  }
};

// A shape and how it is cut on such a device. A row has `vectors` vectors of 16 bytes. The backward
// pass reads two arrays and is cut in the same way for half the rows; with ReLU it reads three, so
// fewer rows fit and most of these cases stream.
struct SlabCase {
  size_t rows, vectors;
  unsigned lanes, slabs, team;  // team 0: two launches
  bool streams;
};
constexpr SlabCase kSlabCases[] = {
    {200, 1, 1, 1, 1, false},    // rows of one vector, in one block: no barrier
    {5000, 1, 1, 1, 2, false},   // the same in two blocks
    {1300, 3, 4, 1, 2, false},   // some threads of a row have no columns
    {258, 16, 8, 2, 1, false},   // two slabs
    {3072, 8, 8, 1, 4, false},   // all rows just fit
    {1500, 16, 8, 2, 2, false},  // some threads have one more row than others
    {100, 40, 16, 3, 1, false},  // wider slabs, so that there are enough multiprocessors
    {24900, 1, 1, 1, 4, true},   // too many rows: each thread reads one row twice
    {3120, 8, 8, 1, 4, true},    // the same with slabs that are eight threads wide
    {780, 32, 32, 1, 4, true},   // the widest slab
    {600, 41, 32, 2, 2, true},   // the last slab is narrower
    {180, 130, 32, 0, 0, false}  // more slabs than multiprocessors
};

struct Settings {
  hs_dtype type = HS_F32;
  bool relu = false, residual = false;
  float mean = 0.5f, deviation = 2;
  size_t shift = 1;  // offset of the addresses, in elements
};

hs_batch_norm_desc describe(size_t rows, size_t channels, const Settings& s) {
  return {s.type, static_cast<int64_t>(rows), static_cast<int64_t>(channels), 1e-5f,
          0.1f,   s.relu ? HS_RELU : HS_NONE};
}

// The parameters of one normalisation and the statistics that it saves.
struct Parameters {
  Parameters(Device& device, size_t channels)
      : gamma(device, normals(channels, 2, 0.5f, 1), 1),
        beta(device, normals(channels, 3), 1),
        running_mean(device, normals(channels, 4), 1),
        running_variance(device, std::vector<float>(channels, 1.5f), 1),
        saved_mean(device, channels, 1),
        saved_invstd(device, channels, 1),
        d_gamma(device, channels, 1),
        d_beta(device, channels, 1) {}

  hs_status train(hs_stream stream, const hs_batch_norm_desc& desc, hs_ptr x, hs_ptr residual,
                  hs_ptr y) {
    return hs_batch_norm_training(stream, &desc, x, gamma.address(), beta.address(), residual, y,
                                  running_mean.address(), running_variance.address(),
                                  saved_mean.address(), saved_invstd.address());
  }
  hs_status differentiate(hs_stream stream, const hs_batch_norm_desc& desc, hs_ptr dy, hs_ptr x,
                          hs_ptr y, hs_ptr dx, hs_ptr d_residual, float accumulate = 0) {
    return hs_batch_norm_backward(stream, &desc, dy, x, y, gamma.address(), saved_mean.address(),
                                  saved_invstd.address(), dx, d_residual, d_gamma.address(),
                                  d_beta.address(), accumulate);
  }

  Array<float> gamma, beta, running_mean, running_variance, saved_mean, saved_invstd, d_gamma,
      d_beta;
};

struct Moments {
  double mean = 0, squares = 0;  // squares: the sum of the squared distances from the mean
};

std::vector<Moments> moments_of(const std::vector<float>& x, size_t channels) {
  std::vector<Moments> moments(channels);
  const double rows = static_cast<double>(x.size() / channels);
  for (size_t i = 0; i < x.size(); i++) moments[i % channels].mean += x[i] / rows;
  for (size_t i = 0; i < x.size(); i++) {
    Moments& m = moments[i % channels];
    m.squares += (x[i] - m.mean) * (x[i] - m.mean);
  }
  return moments;
}

// The expected y, given the mean and the variance of each channel.
std::vector<Expected> outputs(const std::vector<float>& x, const std::vector<float>& residual,
                              const Parameters& p, const std::vector<double>& means,
                              const std::vector<double>& variances, bool relu) {
  const std::vector<float> gamma = p.gamma.get(), beta = p.beta.get();
  std::vector<Expected> y;
  for (size_t i = 0; i < x.size(); i++) {
    const size_t c = i % gamma.size();
    const double invstd = 1 / std::sqrt(variances[c] + 1e-5f);
    const double scaled = (x[i] - means[c]) * invstd * gamma[c];
    const double added = residual.empty() ? 0 : residual[i];
    const double value = scaled + beta[c] + added;
    const double lost = std::abs(gamma[c]) * (1 + std::abs(means[c]) * invstd);
    y.push_back({relu && value < 0 ? 0 : value,
                 16 * kUnit * (std::abs(scaled) + std::abs(beta[c]) + std::abs(added) + lost)});
  }
  return y;
}

hs::cuda::SlabPlan plan_on_small_device(size_t rows, size_t vectors, hs_dtype type,
                                        unsigned arrays) {
  const hs::cuda::Stream stream{.multiprocessors = 4, .shared_bytes = SmallDevice::kBytes};
  const int vector = type == HS_F32 ? 4 : 8;
  return hs::cuda::plan_slabs(stream, static_cast<int64_t>(rows),
                              static_cast<int64_t>(vectors) * vector, vector, arrays,
                              hs::cuda::kGradientRowsAhead);
}

void check_training(Device& device, size_t rows, size_t channels, const Settings& s) {
  const std::string where = shape_name({rows, channels}) + " type " + std::to_string(s.type);
  const hs_batch_norm_desc desc = describe(rows, channels, s);
  StorageArray x(device, s.type, normals(rows * channels, 1, s.deviation, s.mean), s.shift);
  StorageArray added(device, s.type, normals(s.residual ? rows * channels : 0, 5), s.shift);
  StorageArray y(device, s.type, rows * channels, s.shift);
  Parameters p(device, channels);
  const std::vector<float> mean_before = p.running_mean.get();
  CHECK_OK(
      p.train(device.stream(), desc, x.address(), s.residual ? added.address() : 0, y.address()));

  const std::vector<float> values = x.get();
  const std::vector<Moments> moments = moments_of(values, channels);
  std::vector<double> means, variances;
  std::vector<Expected> saved_mean, saved_invstd, running_mean, running_variance;
  const double n = static_cast<double>(rows), momentum = 0.1f;
  for (size_t c = 0; c < channels; c++) {
    const auto [mean, squares] = moments[c];
    const double variance = squares / n, deviation = std::sqrt(variance);
    means.push_back(mean);
    variances.push_back(variance);
    // Kernels sum distances from one of the values, which lies up to 4 deviations from the mean.
    saved_mean.push_back({mean, 16 * kUnit * deviation});
    saved_invstd.push_back({1 / std::sqrt(variance + 1e-5f), 16 * kUnit / deviation});
    running_mean.push_back(
        {(1 - momentum) * mean_before[c] + momentum * mean, 4 * kUnit * deviation});
    const double unbiased = squares / (n - 1);
    running_variance.push_back(
        {(1 - momentum) * 1.5 + momentum * unbiased, 64 * kUnit * momentum * unbiased});
  }
  check_close(y.get(), outputs(values, added.get(), p, means, variances, s.relu), s.type, where);
  check_close(p.saved_mean.get(), saved_mean, HS_F32, where + " mean");
  check_close(p.saved_invstd.get(), saved_invstd, HS_F32, where + " invstd");
  check_close(p.running_mean.get(), running_mean, HS_F32, where + " running mean");
  check_close(p.running_variance.get(), running_variance, HS_F32, where + " running variance");
}

// Checks the gradients in fp64, computed from the statistics that the forward pass saved.
void check_backward(Device& device, size_t rows, size_t channels, const Settings& s) {
  const std::string where = shape_name({rows, channels}) + " type " + std::to_string(s.type);
  const hs_batch_norm_desc desc = describe(rows, channels, s);
  const size_t count = rows * channels;
  StorageArray x(device, s.type, normals(count, 1, s.deviation, s.mean), s.shift);
  StorageArray y(device, s.type, count, s.shift), dy(device, s.type, normals(count, 6), s.shift);
  StorageArray dx(device, s.type, count, s.shift), d_residual(device, s.type, count, s.shift);
  Parameters p(device, channels);
  CHECK_OK(p.train(device.stream(), desc, x.address(), 0, y.address()));
  p.d_gamma.set(std::vector<float>(channels, 3));
  p.d_beta.set(std::vector<float>(channels, 5));
  CHECK_OK(p.differentiate(device.stream(), desc, dy.address(), x.address(),
                           s.relu ? y.address() : 0, dx.address(),
                           s.residual ? d_residual.address() : 0, 2));

  const std::vector<float> xs = x.get(), ys = y.get(), gamma = p.gamma.get();
  const std::vector<float> mean = p.saved_mean.get(), invstd = p.saved_invstd.get();
  std::vector<float> g = dy.get();
  if (s.relu) {
    for (size_t i = 0; i < count; i++) g[i] = ys[i] > 0 ? g[i] : 0;
  }
  std::vector<double> sums(channels), products(channels), sizes(channels), product_sizes(channels);
  const auto normal = [&](size_t i) {
    return (static_cast<double>(xs[i]) - mean[i % channels]) * invstd[i % channels];
  };
  for (size_t i = 0; i < count; i++) {
    const size_t c = i % channels;
    sums[c] += g[i];
    products[c] += g[i] * normal(i);
    sizes[c] += std::abs(g[i]);
    product_sizes[c] += std::abs(g[i] * normal(i));
  }
  std::vector<Expected> expected, d_gamma, d_beta;
  const double n = static_cast<double>(rows);
  for (size_t i = 0; i < count; i++) {
    const size_t c = i % channels;
    const double scale = static_cast<double>(gamma[c]) * invstd[c], h = normal(i);
    expected.push_back({scale * (g[i] - sums[c] / n - h * products[c] / n),
                        16 * kUnit * std::abs(scale) *
                            (std::abs(g[i]) + sizes[c] / n + std::abs(h) * product_sizes[c] / n)});
  }
  for (size_t c = 0; c < channels; c++) {
    d_gamma.push_back({products[c] + 6, 16 * kUnit * (product_sizes[c] + 6)});
    d_beta.push_back({sums[c] + 10, 16 * kUnit * (sizes[c] + 10)});
  }
  check_close(dx.get(), expected, s.type, where + " dx");
  check_close(p.d_gamma.get(), d_gamma, HS_F32, where + " d_gamma");
  check_close(p.d_beta.get(), d_beta, HS_F32, where + " d_beta");
  if (s.residual) CHECK_THAT(same_bits(d_residual.get(), g), where);
}

}  // namespace

TEST(training_normalises_with_the_batch_and_moves_the_running_statistics) {
  on_devices([](Device& device) {
    for (const auto& [rows, channels] : kShapes) {
      if (is_left_out(device, rows * channels)) continue;
      check_training(device, rows, channels, {});
      check_training(device, rows, channels, {.relu = true, .residual = true, .shift = 0});
    }
  });
}

TEST(gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (const auto& [rows, channels] : kShapes) {
      if (is_left_out(device, rows * channels)) continue;
      check_backward(device, rows, channels, {});
      check_backward(device, rows, channels, {.relu = true, .residual = true, .shift = 0});
    }
  });
}

TEST(sixteen_bit_storage_matches_the_definition) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (const auto& [rows, channels] : kShapes) {
        if (is_left_out(device, rows * channels)) continue;
        const Settings s{.type = type, .relu = true, .residual = true, .shift = 0};
        check_training(device, rows, channels, s);
        check_backward(device, rows, channels, s);
      }
    }
  });
}

TEST(slabs_are_cut_as_their_shapes_were_chosen_for) {
  for (const SlabCase& c : kSlabCases) {
    for (hs_dtype type : {HS_F32, HS_BF16}) {
      for (unsigned arrays : {1u, 2u}) {
        const auto plan = plan_on_small_device(c.rows / arrays, c.vectors, type, arrays);
        const std::string where = shape_name({c.rows / arrays, c.vectors}) + ": " +
                                  std::to_string(plan.slabs) + " slabs of " +
                                  std::to_string(plan.lanes) + " lanes, teams of " +
                                  std::to_string(plan.team) + (plan.streams ? ", streams" : "");
        CHECK_THAT(plan.team == c.team && plan.slabs == c.slabs, where);
        CHECK_THAT(plan.lanes == c.lanes && plan.streams == c.streams, where);
      }
    }
  }
}

TEST(slabs_on_chip_match_the_definition) {
  const SmallDevice small;
  on_devices([](Device& device) {
    for (const SlabCase& c : kSlabCases) {
      for (const StorageType& type : kStorageTypes) {
        const size_t channels = c.vectors * (type.type == HS_F32 ? 4 : 8);
        if (is_left_out(device, c.rows * channels)) continue;
        for (bool fused : {false, true}) {
          const Settings s{.type = type.type, .relu = fused, .residual = fused, .shift = 0};
          check_training(device, c.rows, channels, s);
          check_backward(device, c.rows / 2, channels, s);
        }
      }
    }
  });
}

TEST(teams_of_many_blocks_match_the_definition) {
  const SmallDevice small(20);
  on_devices([](Device& device) {
    for (bool fused : {false, true}) {
      if (is_left_out(device, 5121 * 32)) continue;
      const Settings s{.relu = fused, .residual = fused, .shift = 0};
      check_training(device, 5121, 32, s);
      check_backward(device, 2561, 32, s);
    }
  });
}

TEST(on_chip_too_a_mean_far_from_zero_costs_no_precision_of_the_variance) {
  const SmallDevice small;
  on_devices([](Device& device) {
    for (float deviation : {1.0f, 0.01f}) {
      check_training(device, 256, 44, {.mean = 1000, .deviation = deviation, .shift = 0});
      if (is_left_out(device, 3120 * 32)) continue;
      check_training(device, 3120, 32, {.mean = 1000, .deviation = deviation, .shift = 0});
    }
  });
}

TEST(a_mean_far_from_zero_costs_no_precision_of_the_variance) {
  on_devices([](Device& device) {
    for (float deviation : {1.0f, 0.01f}) {
      check_training(device, 4097, 64, {.mean = 1000, .deviation = deviation});
      check_training(device, 513, 10, {.mean = -3000, .deviation = deviation});
    }
  });
}

TEST(an_outlier_in_the_first_row_spoils_nothing) {
  on_devices([](Device& device) {
    const size_t rows = 2000, channels = 64;
    std::vector<float> values = normals(rows * channels, 1);
    for (size_t c = 0; c < channels; c++) values[c] = 1e4f;
    Array<float> x(device, values), y(device, values.size());
    Parameters p(device, channels);
    CHECK_OK(p.train(device.stream(), describe(rows, channels, {}), x.address(), 0, y.address()));
    std::vector<Expected> invstd;
    for (const Moments& m : moments_of(values, channels)) {
      const double expected = 1 / std::sqrt(m.squares / static_cast<double>(rows) + 1e-5f);
      invstd.push_back({expected, 1e-5 * expected});
    }
    check_close(p.saved_invstd.get(), invstd, HS_F32, "invstd");
  });
}

TEST(running_statistics_of_a_small_batch_are_exact) {
  on_devices([](Device& device) {
    // The mean is 4, the biased variance 5, the unbiased one 20 / 3.
    Array<float> x(device, {1, 3, 5, 7}), y(device, 4);
    Parameters p(device, 1);
    p.running_mean.set({10});
    p.running_variance.set({2});
    CHECK_OK(p.train(device.stream(), describe(4, 1, {}), x.address(), 0, y.address()));
    const double m = 0.1f;
    CHECK(p.saved_mean.get()[0] == 4);
    CHECK(p.saved_invstd.get()[0] == static_cast<float>(1 / std::sqrt(5 + double{1e-5f})));
    CHECK(p.running_mean.get()[0] == static_cast<float>((1 - m) * 10 + m * 4));
    CHECK(p.running_variance.get()[0] == static_cast<float>((1 - m) * 2 + m * (20.0 / 3)));
  });
}

TEST(inference_uses_the_running_statistics_and_leaves_them) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (const auto& [rows, channels] : kShapes) {
        if (is_left_out(device, rows * channels)) continue;
        const Settings s{.type = type.type, .relu = true, .residual = true};
        const hs_batch_norm_desc desc = describe(rows, channels, s);
        StorageArray x(device, s.type, normals(rows * channels, 1), 1);
        StorageArray added(device, s.type, normals(rows * channels, 5), 1);
        StorageArray y(device, s.type, rows * channels, 1);
        Parameters p(device, channels);
        const std::vector<float> mean = p.running_mean.get(), var = p.running_variance.get();
        CHECK_OK(hs_batch_norm_inference(device.stream(), &desc, x.address(), p.gamma.address(),
                                         p.beta.address(), added.address(), y.address(),
                                         p.running_mean.address(), p.running_variance.address()));
        check_close(y.get(), outputs(x.get(), added.get(), p, wide(mean), wide(var), true), s.type,
                    shape_name({rows, channels}));
        CHECK(same_bits(p.running_mean.get(), mean) && same_bits(p.running_variance.get(), var));
      }
    }
    const hs_batch_norm_desc empty = describe(0, 4, {});
    Parameters p(device, 4);
    CHECK_OK(hs_batch_norm_inference(device.stream(), &empty, 0, p.gamma.address(),
                                     p.beta.address(), 0, 0, p.running_mean.address(),
                                     p.running_variance.address()));
  });
}

TEST(gradients_match_finite_differences) {
  on_devices([](Device& device) {
    const size_t rows = 6, channels = 3;
    const hs_batch_norm_desc desc = describe(rows, channels, {.relu = true});
    Array<float> x(device, normals(rows * channels, 1)), y(device, rows * channels);
    Array<float> dy(device, normals(rows * channels, 2)), dx(device, rows * channels);
    Parameters p(device, channels);
    CHECK_OK(p.train(device.stream(), desc, x.address(), 0, y.address()));
    CHECK_OK(p.differentiate(device.stream(), desc, dy.address(), x.address(), y.address(),
                             dx.address(), 0));
    const std::vector<float> weight = dy.get(), gamma = p.gamma.get(), beta = p.beta.get();
    const auto loss = [&](const std::vector<double>& v, const std::vector<double>& scale,
                          const std::vector<double>& shift) {
      double sum = 0;
      for (size_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0;
        for (size_t r = 0; r < rows; r++) mean += v[r * channels + c] / rows;
        for (size_t r = 0; r < rows; r++) {
          variance += (v[r * channels + c] - mean) * (v[r * channels + c] - mean) / rows;
        }
        for (size_t i = c; i < v.size(); i += channels) {
          const double out = (v[i] - mean) / std::sqrt(variance + 1e-5f) * scale[c] + shift[c];
          sum += weight[i] * std::max(out, 0.0);
        }
      }
      return sum;
    };
    std::vector<Expected> d_x, d_gamma, d_beta;
    const std::vector<double> v = wide(x.get()), scale = wide(gamma), shift = wide(beta);
    for (size_t i = 0; i < v.size(); i++) {
      d_x.push_back({slope(v, i, [&](const auto& t) { return loss(t, scale, shift); }), 1e-5});
    }
    for (size_t c = 0; c < channels; c++) {
      d_gamma.push_back({slope(scale, c, [&](const auto& t) { return loss(v, t, shift); }), 1e-5});
      d_beta.push_back({slope(shift, c, [&](const auto& t) { return loss(v, scale, t); }), 1e-5});
    }
    check_close(dx.get(), d_x, HS_F32, "dx");
    check_close(p.d_gamma.get(), d_gamma, HS_F32, "d_gamma");
    check_close(p.d_beta.get(), d_beta, HS_F32, "d_beta");
  });
}

namespace {

void check_places(Device& device, size_t rows, size_t channels) {
  if (is_left_out(device, rows * channels)) return;
  const size_t count = rows * channels;
  const hs_batch_norm_desc desc = describe(rows, channels, {.relu = true});
  const std::vector<float> values = normals(count, 1), others = normals(count, 2);
  Array<float> x(device, values), added(device, others), y(device, count);
  Array<float> dx(device, count), dr(device, count);
  Parameters p(device, channels);
  hs_stream stream = device.stream();
  CHECK_OK(p.train(stream, desc, x.address(), added.address(), y.address()));
  const std::vector<float> output = y.get();
  CHECK_OK(p.train(stream, desc, x.address(), added.address(), added.address()));
  CHECK(same_bits(added.get(), output));
  added.set(others);
  CHECK_OK(p.differentiate(stream, desc, added.address(), x.address(), y.address(), dx.address(),
                           dr.address()));
  const std::vector<float> d_x = dx.get(), d_residual = dr.get();
  CHECK_OK(p.differentiate(stream, desc, added.address(), x.address(), y.address(), added.address(),
                           dr.address()));
  CHECK(same_bits(added.get(), d_x) && same_bits(dr.get(), d_residual));
  added.set(others);
  CHECK_OK(p.differentiate(stream, desc, added.address(), x.address(), y.address(), dx.address(),
                           added.address()));
  CHECK(same_bits(added.get(), d_residual) && same_bits(dx.get(), d_x));
  added.set(others);
  CHECK_OK(p.train(stream, desc, x.address(), added.address(), x.address()));
  CHECK(same_bits(x.get(), output));
}

void check_repetition(Device& device, size_t rows, size_t channels) {
  const hs_batch_norm_desc desc = describe(rows, channels, {.relu = true});
  Array<float> x(device, normals(rows * channels, 1)), y(device, rows * channels);
  Array<float> dy(device, normals(rows * channels, 2)), dx(device, rows * channels);
  Parameters p(device, channels);
  check_same_everywhere(
      device,
      [&](hs_stream stream) {
        CHECK_OK(p.train(stream, desc, x.address(), 0, y.address()));
        CHECK_OK(
            p.differentiate(stream, desc, dy.address(), x.address(), y.address(), dx.address(), 0));
      },
      [&] {
        std::vector<float> all = y.get();
        for (const auto& part : {dx.get(), p.saved_mean.get(), p.saved_invstd.get(),
                                 p.d_gamma.get(), p.d_beta.get()}) {
          all.insert(all.end(), part.begin(), part.end());
        }
        return all;
      });
}

}  // namespace

TEST(outputs_may_take_the_place_of_inputs) {
  on_devices([](Device& device) {
    for (const int chosen : {5, 8, 14})
      check_places(device, kShapes[chosen][0], kShapes[chosen][1]);
  });
}

TEST(on_chip_too_outputs_may_take_the_place_of_inputs) {
  const SmallDevice small;
  on_devices([](Device& device) {
    for (const SlabCase& c : kSlabCases) check_places(device, c.rows, c.vectors * 4);
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    check_repetition(device, is_left_out(device, 20001 * 24) ? 2001 : 20001, 24);
    check_repetition(device, 2001, 23);
  });
}

TEST(on_chip_too_results_depend_on_neither_threads_nor_capture) {
  const SmallDevice small;
  on_devices([](Device& device) {
    check_repetition(device, 200, 4);
    // Shapes of several blocks, some of which read rows twice in the backward pass or in both.
    constexpr size_t kCut[][2] = {{1300, 12}, {1560, 64}, {3120, 32}, {24900, 4}};
    for (const auto& [rows, channels] : kCut) {
      if (!is_left_out(device, rows * channels)) check_repetition(device, rows, channels);
    }
  });
}

TEST(results_of_teams_of_many_blocks_depend_on_neither_threads_nor_capture) {
  const SmallDevice small(20);
  on_devices([](Device& device) {
    if (!is_left_out(device, 5121 * 32)) check_repetition(device, 5121, 32);
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    const auto train = [&](const hs_batch_norm_desc& d, hs_ptr y = 1) {
      return hs_batch_norm_training(s, &d, at, at, at, 0, y == 0 ? 0 : at, at, at, at, at);
    };
    const auto changed = [](auto change) {
      hs_batch_norm_desc d = describe(4, 4, {});
      change(d);
      return d;
    };
    CHECK_REFUSED(train(changed([](auto& d) { d.rows = 1; })), "there must be 2 rows");
    CHECK_REFUSED(train(changed([](auto& d) { d.channels = 0; })), "x [4, 0]");
    CHECK_REFUSED(train(changed([](auto& d) { d.type = HS_I32; })), "of I32");
    CHECK_REFUSED(train(changed([](auto& d) { d.eps = 0; })), "eps 0 must be positive");
    CHECK_REFUSED(train(changed([](auto& d) { d.momentum = 1.5f; })), "momentum 1.5");
    CHECK_REFUSED(train(changed([](auto& d) { d.activation = HS_GELU; })), "cannot be fused");
    CHECK_REFUSED(train(describe(4, 4, {}), 0), "y is 0");
    const hs_batch_norm_desc relu = describe(4, 4, {.relu = true});
    CHECK_REFUSED(hs_batch_norm_backward(s, &relu, at, at, 0, at, at, at, at, 0, at, at, 0),
                  "needs y");
    CHECK_REFUSED(hs_batch_norm_backward(s, &relu, at, at, at, at, at, at, at, 0, 0, at, 0),
                  "d_gamma is 0");
    CHECK_REFUSED(hs_batch_norm_inference(s, &relu, at, at, at, 0, at, at, 0),
                  "running_variance is 0");
    CHECK_REFUSED(hs_batch_norm_inference(s, nullptr, at, at, at, 0, at, at, at), "desc is null");
  });
}

KERNEL_TEST_MAIN()
