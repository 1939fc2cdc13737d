// Philox: known answers, the numbers computed from its words, and their distributions.
#include "numerics/philox.h"

#include <algorithm>

#include "device.h"

using namespace hs::test;

namespace {

std::vector<float> uniform(Device& device, size_t count, uint64_t seed, uint64_t sequence,
                           float low = 0, float high = 1) {
  Array<float> dst(device, count, 1);
  CHECK_OK(hs_random_uniform(device.stream(), dst.address(), static_cast<int64_t>(count), seed,
                             sequence, low, high));
  return dst.get();
}

std::vector<float> normal(Device& device, size_t count, uint64_t seed, uint64_t sequence,
                          float mean = 0, float deviation = 1) {
  Array<float> dst(device, count, 1);
  CHECK_OK(hs_random_normal(device.stream(), dst.address(), static_cast<int64_t>(count), seed,
                            sequence, mean, deviation));
  return dst.get();
}

// Box-Muller in fp64, from the words that the definition names.
double normal_reference(uint64_t i, uint64_t seed, uint64_t sequence) {
  const hs::Philox4x32 words = hs::philox(i / 4, sequence, seed);
  const uint64_t pair = i % 4 / 2 * 2;
  const double u = (static_cast<double>(words.word[pair]) + 0.5) * 0x1p-32;
  const double angle = 2 * M_PI * static_cast<double>(words.word[pair + 1]) * 0x1p-32;
  return std::sqrt(-2 * std::log(u)) * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

// The Kolmogorov-Smirnov distance between the values and a distribution function.
template <class Distribution>
double ks_distance(std::vector<float> values, const Distribution& cdf) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0;
  for (size_t i = 0; i < values.size(); i++) {
    const double f = cdf(values[i]);
    distance =
        std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  return distance;
}

// With this bound one random sample in a thousand would fail; the seeds are fixed.
double ks_bound(size_t n) { return 1.95 / std::sqrt(static_cast<double>(n)); }

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); i++) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST(philox_gives_the_known_answers) {
  // The test vectors that the authors publish with Random123 for philox4x32-10.
  const auto check = [](uint64_t index, uint64_t sequence, uint64_t seed, uint32_t a, uint32_t b,
                        uint32_t c, uint32_t d) {
    const hs::Philox4x32 words = hs::philox(index, sequence, seed);
    CHECK(words.word[0] == a && words.word[1] == b && words.word[2] == c && words.word[3] == d);
  };
  check(0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
  const uint64_t ones = ~uint64_t{0};
  check(ones, ones, ones, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
  check(0x85a308d3243f6a88, 0x0370734413198a2e, 0x299f31d0a4093822, 0xd16cfe09, 0x94fdcceb,
        0x5001e420, 0x24126ea1);
}

TEST(uniform_numbers_are_those_of_the_words) {
  on_devices([](Device& device) {
    const uint64_t seed = 0x123456789abcdef0, sequence = 0xfedcba9876543210;
    for (size_t count : kSizes) {
      const std::vector<float> values = uniform(device, count, seed, sequence);
      size_t wrong = 0;
      for (size_t i = 0; i < count; i++) {
        const hs::Philox4x32 words = hs::philox(i / 4, sequence, seed);
        if (values[i] != hs::unit_uniform(words.word[i % 4])) wrong++;
      }
      CHECK_THAT(wrong == 0, std::to_string(wrong) + " of " + std::to_string(count));
    }
  });
}

TEST(normal_numbers_are_those_of_the_words) {
  on_devices([](Device& device) {
    const uint64_t seed = 42, sequence = 7;
    for (size_t count : kSizes) {
      const std::vector<float> values = normal(device, count, seed, sequence);
      double worst = 0;
      for (size_t i = 0; i < count; i++) {
        worst = std::max(worst, std::abs(values[i] - normal_reference(i, seed, sequence)));
      }
      // If u is close to 1, the nearest float is up to 2^-25 away: the radius is inexact by 2^-12.
      CHECK_THAT(worst < 3e-4, std::to_string(worst) + " of " + std::to_string(count));
    }
  });
}

TEST(a_number_depends_on_neither_count_nor_threads) {
  on_devices([](Device& device) {
    const std::vector<float> all = normal(device, 200001, 9, 1);
    for (size_t count : kSizes) {
      const std::vector<float> some = normal(device, count, 9, 1);
      CHECK(same_bits(some,
                      std::vector<float>(all.begin(), all.begin() + static_cast<int64_t>(count))));
    }
    Array<float> dst(device, 200001);
    check_same_everywhere(
        device,
        [&](hs_stream stream) {
          CHECK_OK(hs_random_normal(stream, dst.address(), 200001, 9, 1, 0, 1));
        },
        [&] { return dst.get(); });
    CHECK(same_bits(dst.get(), all));
  });
}

TEST(uniform_numbers_fill_their_range_evenly) {
  on_devices([](Device& device) {
    const size_t n = 1 << 20;
    const std::vector<float> values = uniform(device, n, 1, 0, -2, 3);
    CHECK(*std::min_element(values.begin(), values.end()) >= -2);
    CHECK(*std::max_element(values.begin(), values.end()) < 3);
    const double distance = ks_distance(values, [](double x) { return (x + 2) / 5; });
    CHECK_THAT(distance < ks_bound(n), std::to_string(distance));
  });
}

TEST(uniform_numbers_never_reach_the_upper_bound) {
  on_devices([](Device& device) {
    // With two neighbouring floats as bounds, rounding would give the upper one half of the time.
    const float above = std::nextafter(1.0f, 2.0f);
    for (float x : uniform(device, 10000, 2, 0, 1.0f, above)) CHECK(x == 1.0f);
    for (float x : uniform(device, 10000, 2, 0, -above, -1.0f)) CHECK(x == -above);
    for (float x : uniform(device, 1000, 2, 0, 5, 5)) CHECK(x == 5);
    for (float x : uniform(device, 10000, 2, 0, -1, 0)) CHECK(x >= -1 && x < 0);
    for (float x : uniform(device, 10000, 2, 0, -3e38f, 3e38f)) CHECK(x >= -3e38f && x < 3e38f);
  });
}

TEST(normal_numbers_are_normal) {
  on_devices([](Device& device) {
    const size_t n = 1 << 20;
    const std::vector<float> values = normal(device, n, 3, 0, 1.5f, 2);
    const double distance = ks_distance(
        values, [](double x) { return 0.5 * std::erfc(-(x - 1.5) / 2 / std::sqrt(2.0)); });
    CHECK_THAT(distance < ks_bound(n), std::to_string(distance));
    double moment[5] = {};
    size_t beyond_4 = 0;
    for (float value : values) {
      const double z = (static_cast<double>(value) - 1.5) / 2;
      for (int k = 1; k <= 4; k++) moment[k] += std::pow(z, k) / static_cast<double>(n);
      if (std::abs(z) > 4) beyond_4++;
    }
    const double error = 1 / std::sqrt(static_cast<double>(n));  // one standard error
    CHECK(std::abs(moment[1]) < 4 * error && std::abs(moment[2] - 1) < 4 * std::sqrt(2.0) * error);
    CHECK(std::abs(moment[3]) < 4 * std::sqrt(15.0) * error);
    CHECK(std::abs(moment[4] - 3) < 4 * std::sqrt(96.0) * error);
    CHECK_THAT(beyond_4 > 40 && beyond_4 < 95, std::to_string(beyond_4));  // 66.4 expected
    for (float x : normal(device, 100, 3, 0, 2.5f, 0)) CHECK(x == 2.5f);
  });
}

TEST(neighbours_seeds_and_sequences_are_uncorrelated) {
  on_devices([](Device& device) {
    const size_t n = 1 << 18;
    const double bound = 4 / std::sqrt(static_cast<double>(n));
    const std::vector<float> base = normal(device, n + 4, 5, 5);
    const auto from = [&](size_t lag) {
      return std::vector<float>(base.begin() + static_cast<int64_t>(lag),
                                base.begin() + static_cast<int64_t>(lag + n));
    };
    for (size_t lag = 1; lag <= 4; lag++) CHECK(std::abs(correlation(from(0), from(lag))) < bound);
    CHECK(std::abs(correlation(from(0), normal(device, n, 6, 5))) < bound);
    CHECK(std::abs(correlation(from(0), normal(device, n, 5, 6))) < bound);
    CHECK(std::abs(correlation(from(0), normal(device, n, 5 + (uint64_t{1} << 32), 5))) < bound);
    CHECK(std::abs(correlation(from(0), normal(device, n, 5, 5 + (uint64_t{1} << 32)))) < bound);
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    hs_stream stream = device.stream();
    const hs_ptr at = x.address();
    CHECK_REFUSED(hs_random_normal(stream, at, -1, 0, 0, 0, 1), "count is -1");
    CHECK_REFUSED(hs_random_normal(stream, 0, 1, 0, 0, 0, 1), "dst is 0");
    CHECK_REFUSED(hs_random_normal(stream, at, 1, 0, 0, 0, -1), "parameters 0 and -1");
    CHECK_REFUSED(hs_random_normal(stream, at, 1, 0, 0, kNaN, 1), "parameters nan and 1");
    CHECK_REFUSED(hs_random_uniform(stream, at, 1, 0, 0, 2, 1), "parameters 2 and 1");
    CHECK_REFUSED(hs_random_uniform(stream, at, 1, 0, 0, 0, kInfinity), "parameters 0 and inf");
  });
}

KERNEL_TEST_MAIN()
