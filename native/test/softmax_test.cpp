// Softmax and its gradient against their definitions in fp64.
#include "compare.h"

using namespace hs::test;

namespace {

// One column, few columns, one below, at and one above vectors and their multiples, long rows, many
// short rows.
constexpr size_t kShapes[][2] = {{0, 5},    {1, 1},     {3, 2},    {7, 10},   {17, 15},
                                 {5, 16},   {6, 17},    {3, 63},   {4, 64},   {5, 65},
                                 {2, 1000}, {1, 50257}, {3, 4096}, {4099, 3}, {300, 128}};

hs_softmax_desc describe(size_t rows, size_t columns, hs_dtype type, float scale,
                         size_t queries = 0) {
  return {type,  static_cast<int64_t>(rows),    static_cast<int64_t>(columns),
          scale, static_cast<int64_t>(queries), 0,
          0};
}

// The number of columns of a row that the causal mask leaves.
size_t open_columns(size_t row, size_t columns, size_t queries) {
  return queries == 0 ? columns : row % queries + 1 + columns - queries;
}

void check_shape(Device& device, size_t rows, size_t columns, hs_dtype type, float scale,
                 float deviation, size_t queries = 0) {
  const std::string where = shape_name({rows, columns, queries}) + " type " + std::to_string(type);
  const size_t count = rows * columns;
  const hs_softmax_desc desc = describe(rows, columns, type, scale, queries);
  std::vector<float> values = normals(count, 1, deviation);
  std::vector<float> gradients = normals(count, 2);
  for (size_t i = 0; i < count; i++) {  // masked elements must not be read
    if (i % columns >= open_columns(i / columns, columns, queries)) {
      values[i] = gradients[i] = kNaN;
    }
  }
  const size_t shift = scale < 0 ? 1 : 0;  // offset of the addresses, in elements
  StorageArray x(device, type, values, shift), y(device, type, count, shift);
  StorageArray dy(device, type, gradients, shift), dx(device, type, count, shift);
  CHECK_OK(hs_softmax(device.stream(), &desc, x.address(), y.address(), 0));
  CHECK_OK(hs_softmax_backward(device.stream(), &desc, dy.address(), y.address(), dx.address()));

  const std::vector<float> xs = x.get(), ys = y.get(), g = dy.get();
  std::vector<Expected> outputs, d_x;
  for (size_t r = 0; r < rows; r++) {
    const float* row = xs.data() + r * columns;
    const size_t open = open_columns(r, columns, queries);
    double maximum = -HUGE_VAL, sum = 0, dot = 0, size = 0;
    const auto logit = [&](size_t c) { return static_cast<double>(scale) * row[c]; };
    for (size_t c = 0; c < open; c++) maximum = std::max(maximum, logit(c));
    for (size_t c = 0; c < open; c++) sum += std::exp(logit(c) - maximum);
    for (size_t c = 0; c < open; c++) {
      const double term = static_cast<double>(g[r * columns + c]) * ys[r * columns + c];
      dot += term;
      size += std::abs(term);
    }
    for (size_t c = 0; c < columns; c++) {
      if (c >= open) {
        outputs.push_back({0, 0});
        d_x.push_back({0, 0});
        continue;
      }
      const double distance = maximum - logit(c), p = std::exp(-distance) / sum;
      // Rounding the argument of exp costs a relative error as large as the argument, in units.
      const double lost = 12 + 3 * std::min(distance, 90.0) + 2 * std::abs(maximum);
      outputs.push_back({p, lost * kUnit * p + 1e-37});
      const double slope = scale * ys[r * columns + c];
      d_x.push_back({slope * (g[r * columns + c] - dot),
                     8 * kUnit * std::abs(slope) * (std::abs(g[r * columns + c]) + size) + 1e-37});
    }
  }
  check_close(ys, outputs, type, where);
  check_close(dx.get(), d_x, type, where + " dx");
}

constexpr int32_t kPadding = 7;

// Tokens of samples with padding everywhere, nowhere, at the end, and in some places.
std::vector<int32_t> padded_tokens(size_t samples, size_t columns) {
  std::vector<int32_t> tokens;
  for (size_t s = 0; s < samples; s++) {
    for (size_t c = 0; c < columns; c++) {
      const bool padding = s % 4 == 0   ? true
                           : s % 4 == 1 ? false
                           : s % 4 == 2 ? c >= (columns + 1) / 2
                                        : (5 * c + s) % 3 == 0;
      tokens.push_back(padding ? kPadding : static_cast<int32_t>(c % 5));
    }
  }
  return tokens;
}

void check_padded(Device& device, size_t samples, size_t rows_each, size_t columns, hs_dtype type,
                  size_t queries) {
  const std::string where =
      shape_name({samples, rows_each, columns, queries}) + " type " + std::to_string(type);
  const float scale = 0.5f;
  const size_t rows = samples * rows_each, count = rows * columns;
  hs_softmax_desc desc = describe(rows, columns, type, scale, queries);
  desc.samples = static_cast<int64_t>(samples);
  desc.padding = kPadding;
  const std::vector<int32_t> words = padded_tokens(samples, columns);
  const auto counts = [&](size_t r, size_t c) {
    return c < open_columns(r, columns, queries) && words[r / rows_each * columns + c] != kPadding;
  };
  std::vector<float> values = normals(count, 1, 3);
  for (size_t i = 0; i < count; i++) {  // masked elements must not affect results
    if (!counts(i / columns, i % columns)) values[i] = kNaN;
  }
  Array<int32_t> tokens(device, words);
  StorageArray x(device, type, values), y(device, type, count);
  StorageArray dy(device, type, normals(count, 2)), dx(device, type, count);
  hs_stream s = device.stream();
  CHECK_OK(hs_softmax(s, &desc, x.address(), y.address(), tokens.address()));
  CHECK_OK(hs_softmax_backward(s, &desc, dy.address(), y.address(), dx.address()));
  const std::vector<float> xs = x.get(), ys = y.get(), g = dy.get();
  std::vector<Expected> outputs, d_x;
  for (size_t r = 0; r < rows; r++) {
    double sum = 0, dot = 0, size = 0;
    for (size_t c = 0; c < columns; c++) {
      const size_t i = r * columns + c;
      if (!counts(r, c)) continue;
      sum += std::exp(static_cast<double>(scale) * xs[i]);
      dot += static_cast<double>(g[i]) * ys[i];
      size += std::abs(static_cast<double>(g[i]) * ys[i]);
    }
    for (size_t c = 0; c < columns; c++) {
      const size_t i = r * columns + c;
      const double p = counts(r, c) ? std::exp(static_cast<double>(scale) * xs[i]) / sum : 0;
      const double slope = counts(r, c) ? scale * ys[i] : 0;
      outputs.push_back({p, 100 * kUnit * p});
      d_x.push_back({slope * (g[i] - dot), 8 * kUnit * std::abs(slope) * (std::abs(g[i]) + size)});
    }
  }
  check_close(ys, outputs, type, where + " padded");
  check_close(dx.get(), d_x, type, where + " padded dx");
  CHECK_OK(hs_softmax(s, &desc, x.address(), x.address(), tokens.address()));
  CHECK_THAT(same_bits(x.get(), ys), where + " in place");
}

}  // namespace

TEST(outputs_and_gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (const auto& [rows, columns] : kShapes) {
        check_shape(device, rows, columns, type.type, 1, 2);
        check_shape(device, rows, columns, type.type, 0.125f, 10);
        check_shape(device, rows, columns, type.type, -2, 20);
      }
    }
  });
}

TEST(the_causal_mask_hides_the_future) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      check_shape(device, 1, 1, type.type, 1, 1, 1);
      check_shape(device, 3 * 5, 5, type.type, 0.5f, 2, 5);
      check_shape(device, 2 * 17, 33, type.type, 0.5f, 2, 17);  // keys from before the queries
      check_shape(device, 4 * 64, 64, type.type, 0.25f, 3, 64);
      check_shape(device, 2, 40, type.type, 1, 1, 1);
    }
  });
}

TEST(extreme_logits_give_certainty_and_equal_ones_give_equal_shares) {
  on_devices([](Device& device) {
    const auto run = [&](const std::vector<float>& values) {
      const hs_softmax_desc desc = describe(1, values.size(), HS_F32, 1);
      Array<float> x(device, values), y(device, values.size());
      CHECK_OK(hs_softmax(device.stream(), &desc, x.address(), y.address(), 0));
      return y.get();
    };
    CHECK(run({3e38f, -3e38f, 0}) == std::vector<float>({1, 0, 0}));
    CHECK(run({-kInfinity, 1, -kInfinity}) == std::vector<float>({0, 1, 0}));
    CHECK(run({-3e38f, -3e38f}) == std::vector<float>({0.5f, 0.5f}));
    CHECK(run({1e30f, 1e30f, 1e30f, 1e30f}) == std::vector<float>(4, 0.25f));
    for (const float y : run({1, kNaN, 2})) CHECK(std::isnan(y));
    for (const float y : run({-kInfinity, -kInfinity})) CHECK(std::isnan(y));
  });
}

TEST(gradients_match_finite_differences) {
  on_devices([](Device& device) {
    const size_t rows = 2, columns = 5;
    const hs_softmax_desc desc = describe(rows, columns, HS_F32, 0.7f);
    Array<float> x(device, normals(10, 1)), y(device, 10), dy(device, normals(10, 2)),
        dx(device, 10);
    CHECK_OK(hs_softmax(device.stream(), &desc, x.address(), y.address(), 0));
    CHECK_OK(hs_softmax_backward(device.stream(), &desc, dy.address(), y.address(), dx.address()));
    const std::vector<float> weight = dy.get();
    const auto loss = [&](const std::vector<double>& v) {
      double total = 0;
      for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t c = 0; c < columns; c++) sum += std::exp(0.7f * v[r * columns + c]);
        for (size_t i = r * columns; i < (r + 1) * columns; i++) {
          total += weight[i] * std::exp(0.7f * v[i]) / sum;
        }
      }
      return total;
    };
    std::vector<Expected> expected;
    for (size_t i = 0; i < 10; i++) expected.push_back({slope(wide(x.get()), i, loss), 1e-6});
    check_close(dx.get(), expected, HS_F32, "dx");
  });
}

TEST(padding_gets_nothing_and_a_row_of_padding_is_zero) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      check_padded(device, 4, 3, 1, type.type, 0);
      check_padded(device, 5, 2, 7, type.type, 0);
      check_padded(device, 4, 6, 33, type.type, 3);
      check_padded(device, 4, 16, 16, type.type, 16);
      check_padded(device, 4, 2, 1500, type.type, 0);
    }
  });
}

TEST(padding_at_the_end_leaves_the_bits_of_the_row_without_it) {
  on_devices([](Device& device) {
    const size_t columns = 37, all = 64;
    const std::vector<float> row = normals(columns, 1, 3);
    std::vector<float> longer = normals(all, 2);
    std::copy(row.begin(), row.end(), longer.begin());
    std::vector<int32_t> words(all, kPadding);
    std::fill_n(words.begin(), columns, 1);
    Array<float> x(device, row), y(device, columns), longer_x(device, longer),
        longer_y(device, all);
    Array<int32_t> tokens(device, words);
    const hs_softmax_desc plain = describe(1, columns, HS_F32, 0.3f);
    hs_softmax_desc padded = describe(1, all, HS_F32, 0.3f);
    padded.samples = 1;
    padded.padding = kPadding;
    hs_stream s = device.stream();
    CHECK_OK(hs_softmax(s, &plain, x.address(), y.address(), 0));
    CHECK_OK(hs_softmax(s, &padded, longer_x.address(), longer_y.address(), tokens.address()));
    const std::vector<float> expected = y.get(), got = longer_y.get();
    for (size_t i = 0; i < all; i++) {
      const float want = i < columns ? expected[i] : 0;
      CHECK(std::abs(got[i] - want) <= (device.backend() == "cpu" ? 0 : 4 * kUnit * want));
    }
  });
}

TEST(outputs_may_take_the_place_of_inputs) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      const size_t rows = 34, columns = 33;
      const hs_softmax_desc desc = describe(rows, columns, type.type, 0.5f, 17);
      StorageArray x(device, type.type, normals(rows * columns, 1));
      StorageArray dy(device, type.type, normals(rows * columns, 2));
      StorageArray y(device, type.type, rows * columns), dx(device, type.type, rows * columns);
      CHECK_OK(hs_softmax(device.stream(), &desc, x.address(), y.address(), 0));
      CHECK_OK(hs_softmax(device.stream(), &desc, x.address(), x.address(), 0));
      CHECK(same_bits(x.get(), y.get()));
      hs_stream s = device.stream();
      CHECK_OK(hs_softmax_backward(s, &desc, dy.address(), y.address(), dx.address()));
      CHECK_OK(hs_softmax_backward(s, &desc, dy.address(), y.address(), dy.address()));
      CHECK(same_bits(dy.get(), dx.get()));
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t rows = 3000, columns = 100;
    const hs_softmax_desc desc = describe(rows, columns, HS_F32, 0.5f, 100);
    Array<float> x(device, normals(rows * columns, 1)), y(device, rows * columns);
    Array<float> dx(device, rows * columns);
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(hs_softmax(s, &desc, x.address(), y.address(), 0));
          CHECK_OK(hs_softmax_backward(s, &desc, x.address(), y.address(), dx.address()));
        },
        [&] {
          std::vector<float> all = y.get(), gradient = dx.get();
          all.insert(all.end(), gradient.begin(), gradient.end());
          return all;
        });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    const auto call = [&](const hs_softmax_desc& d) { return hs_softmax(s, &d, at, at, 0); };
    CHECK_REFUSED(call(describe(2, 0, HS_F32, 1)), "extents must be positive");
    CHECK_REFUSED(call(describe(2, 3, HS_I64, 1)), "of I64");
    CHECK_REFUSED(call(describe(2, 3, HS_F32, kInfinity)), "the scale finite");
    CHECK_REFUSED(call(describe(5, 3, HS_F32, 1, 2)), "2 queries must divide the 5 rows");
    CHECK_REFUSED(call(describe(4, 3, HS_F32, 1, 4)), "not pass the 3 columns");
    const hs_softmax_desc d = describe(2, 3, HS_F32, 1);
    CHECK_REFUSED(hs_softmax(s, nullptr, at, at, 0), "desc is null");
    CHECK_REFUSED(hs_softmax(s, &d, at, 0, 0), "y is 0");
    CHECK_REFUSED(hs_softmax_backward(s, &d, at, 0, at), "y is 0");
    CHECK_REFUSED(hs_softmax(s, &d, at, at, at), "0 samples and tokens are given");
    hs_softmax_desc padded = d;
    padded.samples = 2;
    CHECK_REFUSED(hs_softmax(s, &padded, at, at, 0), "2 samples and tokens are not given");
    padded.samples = 3;
    CHECK_REFUSED(hs_softmax(s, &padded, at, at, at), "3 samples must divide the 2 rows");
  });
}

KERNEL_TEST_MAIN()
