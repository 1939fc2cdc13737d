// Statistics of gradients against their definitions.
#include "compare.h"

using namespace hs::test;

namespace {

hs_statistics reference(const std::vector<float>& x, double factor) {
  hs_statistics s{};
  double squares = 0;
  for (float v : x) {
    if (!std::isfinite(v)) {
      s.nonfinite++;
      continue;
    }
    if (s.count == 0 || v < s.minimum) s.minimum = v;
    if (s.count == 0 || v > s.maximum) s.maximum = v;
    s.count++;
    s.mean += v;
    s.mean_magnitude += std::abs(v);
    squares += static_cast<double>(v) * v;
  }
  if (s.count == 0) return s;
  const double n = static_cast<double>(s.count);
  double distances = 0;
  for (float v : x) {
    if (std::isfinite(v)) distances += (v - s.mean / n) * (v - s.mean / n);
  }
  s.mean *= factor / n;
  s.mean_magnitude *= factor / n;
  s.deviation = factor * std::sqrt(distances / n);
  s.minimum *= factor;
  s.maximum *= factor;
  s.norm = factor * std::sqrt(squares);
  return s;
}

void check_statistics(Device& device, const std::vector<float>& values, float multiplier,
                      const std::string& where) {
  Array<float> x(device, values, values.size() % 2);
  hs_step_state unscaled{};
  unscaled.multiplier = multiplier;
  Array<hs_step_state> state(device, std::vector{unscaled});
  Array<hs_statistics> statistics(device, 1);
  CHECK_OK(hs_gradient_statistics(device.stream(), static_cast<int64_t>(values.size()), x.address(),
                                  multiplier == 1 ? 0 : state.address(), statistics.address()));
  const hs_statistics got = statistics.get()[0], want = reference(values, multiplier);
  const double scale = (1e-12 + static_cast<double>(values.size()) * 0x1p-53) * want.norm;
  CHECK_THAT(got.count == want.count && got.nonfinite == want.nonfinite, where);
  CHECK_THAT(got.minimum == want.minimum && got.maximum == want.maximum, where);
  CHECK_THAT(std::abs(got.mean - want.mean) <= scale, where);
  CHECK_THAT(std::abs(got.mean_magnitude - want.mean_magnitude) <= scale, where);
  CHECK_THAT(std::abs(got.norm - want.norm) <= scale, where);
  // The variance is computed as mean of squares - mean^2, which cancels if the mean is much larger
  // than the deviation.
  const double lost = 1e-12 * (want.mean * want.mean / std::max(want.deviation, 1e-30));
  CHECK_THAT(
      std::abs(got.deviation - want.deviation) <= 1e-9 * want.deviation + lost + 1e-9 * scale,
      where + ": deviation " + std::to_string(got.deviation) + " for " +
          std::to_string(want.deviation));
}

}  // namespace

TEST(statistics_match_their_definitions) {
  on_devices([](Device& device) {
    for (size_t count : kSizes) {
      const std::string where = std::to_string(count) + " values";
      check_statistics(device, normals(count, 1, 2, 0.5f), 1, where);
      check_statistics(device, normals(count, 2, 1e-6f), 0.125f, where + " unscaled");
      check_statistics(device, normals(count, 3, 1, 1000), 1, where + " far from zero");
      check_statistics(device, std::vector<float>(count, 0.1f), 1, where + " alike");
      check_statistics(device, std::vector<float>(count, 3e38f), 1, where + " huge");
    }
    if (is_left_out(device, 3000001)) return;
    check_statistics(device, normals(3000001, 4), 1, "more than a span a tile");
  });
}

TEST(what_is_not_finite_is_counted_and_left_out) {
  on_devices([](Device& device) {
    for (size_t count : {1, 5, 33, 20000}) {
      for (float bad : {kNaN, kInfinity, -kInfinity}) {
        std::vector<float> values = normals(count, 5);
        values[0] = values[count / 2] = values[count - 1] = bad;
        check_statistics(device, values, 1, std::to_string(count));
        check_statistics(device, std::vector<float>(count, bad), 1, std::to_string(count));
      }
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t count = 300007;
    Array<float> x(device, normals(count, 6));
    Array<hs_statistics> statistics(device, 1);
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(hs_gradient_statistics(s, count, x.address(), 0, statistics.address()));
        },
        [&] { return statistics.get(); });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    CHECK_REFUSED(hs_gradient_statistics(device.stream(), -1, at, 0, at), "count is -1");
    CHECK_REFUSED(hs_gradient_statistics(device.stream(), 1, 0, 0, at), "x is 0");
    CHECK_REFUSED(hs_gradient_statistics(device.stream(), 1, at, 0, 0), "statistics is 0");
  });
}

KERNEL_TEST_MAIN()
