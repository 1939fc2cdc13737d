// The vectors of floats, compiled and run once for each instruction set: conversions against
// scalar references for every 16-bit pattern, mathematics against fp64 over the whole range.
#include "cpu/simd_math.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "cpu/isa.h"
#include "test.h"

using namespace hs::cpu::HS_ISA;

#define STRING_OF(x) #x
#define NAME_OF(x) STRING_OF(x)

namespace {

const float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

uint32_t word(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  return u;
}
float real(uint32_t u) {
  float x;
  std::memcpy(&x, &u, 4);
  return x;
}

// The value of an FP16 bit pattern, by its definition.
double f16_value(uint32_t h) {
  const int exponent = (h >> 10) & 31;
  const double fraction = h & 0x3ff;
  const double magnitude = exponent == 31  ? (fraction == 0 ? HUGE_VAL : NAN)
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(fraction + 1024, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

template <class Half>
uint16_t narrowed(float x) {
  Half out[kLanes];
  store(out, set1(x));
  return out[kLanes - 1].bits;
}

template <class Half>
float widened(uint16_t u) {
  Half in[kLanes];
  for (Half& h : in) h.bits = u;
  return load(in)[kLanes - 1];
}

// The error in units of the last place of the correctly rounded result.
double ulps(float got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e9;
  const float rounded = static_cast<float>(want);
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded ? 0 : 1e9;
  if (std::abs(rounded) < 1.1754944e-38f) return std::abs(got) < 1.18e-38f ? 0 : 1e9;
  int exponent;
  std::frexp(rounded, &exponent);
  return std::abs(got - want) / std::ldexp(1.0, exponent - 24);
}

// The largest error over floats whose bit patterns are spread evenly over [low, high], with both
// signs if low is negative.
template <class Fn>
double largest_ulps(Fn fn, double (*exact)(double), float low, float high) {
  double worst = 0;
  const uint32_t stride = 977;
  for (int negative = 0; negative < 2; ++negative) {
    for (uint32_t u = 0; u < 0x7f800000; u += stride * kLanes) {
      float x[kLanes], y[kLanes];
      for (uint32_t i = 0; i < static_cast<uint32_t>(kLanes); ++i) {
        x[i] = real((u + i * stride) | (negative != 0 ? 0x80000000u : 0));
      }
      store(y, fn(load(x)));
      for (int i = 0; i < kLanes; ++i) {
        if (!(x[i] >= low && x[i] <= high)) continue;
        const double error = ulps(y[i], exact(x[i]));
        if (error > worst) worst = error;
      }
    }
  }
  return worst;
}

#define CHECK_ULPS(fn, low, high, limit)                                                     \
  do {                                                                                       \
    const double e = largest_ulps([](vf v) { return fn(v); },                                \
                                  [](double d) -> double { return std::fn(d); }, low, high); \
    std::printf("     " #fn ": %.2f ulp\n", e);                                              \
    CHECK_THAT(e <= limit, std::to_string(e) + " ulp");                                      \
  } while (false)

}  // namespace

TEST(every_16_bit_pattern_widens_to_its_value) {
  int wrong = 0;
  for (uint32_t u = 0; u < 0x10000; ++u) {
    const double f16 = f16_value(u);
    const float got = widened<F16>(static_cast<uint16_t>(u));
    if (std::isnan(f16) ? !std::isnan(got) : word(got) != word(static_cast<float>(f16))) ++wrong;
    const float bf16 = widened<Bf16>(static_cast<uint16_t>(u));
    if (word(bf16) != u << 16) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST(narrowing_rounds_to_nearest_even_and_keeps_nan) {
  int wrong = 0;
  for (uint32_t u = 0; u < 0x7c00; ++u) {  // floats below, at and above the middle of neighbours
    const double a = f16_value(u), b = u + 1 == 0x7c00 ? 65536.0 : f16_value(u + 1);
    const float middle = static_cast<float>((a + b) / 2);
    const auto even = static_cast<uint16_t>(u + (u & 1));
    if (narrowed<F16>(static_cast<float>(a)) != u) ++wrong;
    if (narrowed<F16>(middle) != even) ++wrong;
    if (narrowed<F16>(-middle) != (even | 0x8000)) ++wrong;
    if (narrowed<F16>(std::nextafter(middle, 0.0f)) != u) ++wrong;
    if (narrowed<F16>(std::nextafter(middle, kInf)) != u + 1) ++wrong;
  }
  for (uint32_t u = 0x0080; u < 0x7f80; ++u) {
    const uint32_t middle = u << 16 | 0x8000;
    if (narrowed<Bf16>(real(u << 16)) != u) ++wrong;
    if (narrowed<Bf16>(real(middle)) != u + (u & 1)) ++wrong;
    if (narrowed<Bf16>(real(middle - 1)) != u) ++wrong;
    if (narrowed<Bf16>(real(middle + 1)) != u + 1) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(narrowed<F16>(kInf) == 0x7c00 && narrowed<F16>(-kInf) == 0xfc00);
  CHECK(narrowed<F16>(1e30f) == 0x7c00 && narrowed<Bf16>(kInf) == 0x7f80);
  CHECK(std::isnan(widened<F16>(narrowed<F16>(kNan))));
  CHECK(std::isnan(widened<Bf16>(narrowed<Bf16>(kNan))));
  CHECK(std::isnan(widened<Bf16>(narrowed<Bf16>(real(0x7f800001)))));
  CHECK(std::isnan(widened<F16>(narrowed<F16>(real(0xff800001)))));
}

TEST(masked_loads_and_stores_touch_the_first_lanes_alone) {
  for (int count = -1; count <= kLanes + 1; ++count) {
    const int n = count < 0 ? 0 : count > kLanes ? kLanes : count;
    const Mask mask = first_lanes(count);
    float in[kLanes], out[kLanes], seen[kLanes];
    Bf16 half_out[kLanes];
    F16 half_in[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      in[i] = static_cast<float>(i + 1);
      out[i] = -7;
      half_out[i].bits = 0x1234;
      half_in[i].bits = 0x3c00;
    }
    store(seen, load(in, mask));
    store(out, set1(3), mask);
    store(half_out, set1(3), mask);
    float halves[kLanes];
    store(halves, load(half_in, mask));
    for (int i = 0; i < kLanes; ++i) {
      CHECK(seen[i] == (i < n ? in[i] : 0));
      CHECK(out[i] == (i < n ? 3.0f : -7.0f));
      CHECK(half_out[i].bits == (i < n ? 0x4040 : 0x1234));
      CHECK(halves[i] == (i < n ? 1.0f : 0.0f));
    }
  }
}

TEST(bytes_load_as_floats_and_reductions_reduce) {
  uint8_t bytes[kLanes];
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) {
    bytes[i] = static_cast<uint8_t>(255 - 7 * i);
    sum += bytes[i];
  }
  CHECK(reduce_add(load(bytes)) == sum);
  CHECK(reduce_max(load(bytes)) == 255);
  CHECK(reduce_min(load(bytes)) == bytes[kLanes - 1]);
  CHECK(reduce_add(load(bytes, first_lanes(2))) == 255 + 248);
  CHECK(reduce_max(-load(bytes)) == -bytes[kLanes - 1]);
}

TEST(exp_of_what_is_not_positive_keeps_its_bound) {
  size_t wrong = 0;
  for (float x = 0; x > -87.3f; x = x * 1.0001f - 1e-6f) {
    const double want = std::exp(static_cast<double>(x));
    const double error = std::abs(exp_nonpositive(set1(x))[0] - want);
    if (!(error <= (2 - 1.5 * static_cast<double>(x)) * 0x1p-24 * want)) ++wrong;
  }
  CHECK_THAT(wrong == 0, std::to_string(wrong) + " beyond the bound");
  CHECK(exp_nonpositive(set1(0))[0] == 1 && exp_nonpositive(set1(-kInf))[0] == 0);
  CHECK(exp_nonpositive(set1(-3e38f))[0] == 0 && exp_nonpositive(set1(-90))[0] < 1.2e-38f);
  CHECK(std::isnan(exp_nonpositive(set1(kNan))[0]));
}

TEST(exp_log_tanh_and_erf_are_within_two_ulp) {
  CHECK_ULPS(exp, -kInf, kInf, 1.3);
  CHECK_ULPS(log, 1.1754944e-38f, kInf, 1.3);
  CHECK_ULPS(tanh, -kInf, kInf, 2.0);
  CHECK_ULPS(erf, -kInf, kInf, 1.5);
}

TEST(special_values_come_out_right) {
  CHECK(exp(set1(kInf))[0] == kInf && exp(set1(-kInf))[0] == 0 && exp(set1(0))[0] == 1);
  CHECK(std::isnan(exp(set1(kNan))[0]));
  CHECK(log(set1(kInf))[0] == kInf && log(set1(0))[0] == -kInf && log(set1(1))[0] == 0);
  CHECK(std::isnan(log(set1(-1))[0]) && std::isnan(log(set1(kNan))[0]));
  CHECK(tanh(set1(kInf))[0] == 1 && tanh(set1(-kInf))[0] == -1);
  CHECK(std::isnan(tanh(set1(kNan))[0]));
  CHECK(erf(set1(kInf))[0] == 1 && erf(set1(-kInf))[0] == -1);
  CHECK(std::isnan(erf(set1(kNan))[0]) && std::isnan(gelu(set1(kNan))[0]));
  CHECK(sqrt(set1(9))[0] == 3 && abs(set1(-2))[0] == 2);
  CHECK(round_even(set1(2.5f))[0] == 2 && round_even(set1(-3.5f))[0] == -4);
}

int main(int argc, char** argv) {
  const hs::cpu::Isa* isa = nullptr;
  char problem[200];
  if (!hs::cpu::choose_isa(NAME_OF(HS_ISA), &isa, problem, sizeof problem)) {
    std::printf("skipped: this machine cannot run %s\n", NAME_OF(HS_ISA));
    return 0;
  }
  return hs::test::run(argc, argv);
}
