// Activations and their gradients against their definitions in fp64.
#include "device.h"

using namespace hs::test;

namespace {

constexpr hs_activation kActivations[] = {HS_NONE, HS_RELU, HS_GELU, HS_SIGMOID, HS_TANH,
                                          HS_ABS,  HS_SQRT, HS_EXP,  HS_LOG};

double phi(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double forward(hs_activation kind, double x) {
  switch (kind) {
    case HS_RELU:
      return x < 0 ? 0 : x;
    case HS_GELU:
      return x * normal_cdf(x);
    case HS_SIGMOID:
      return 1 / (1 + std::exp(-x));
    case HS_TANH:
      return std::tanh(x);
    case HS_ABS:
      return std::abs(x);
    case HS_SQRT:
      return std::sqrt(x);
    case HS_EXP:
      return std::exp(x);
    case HS_LOG:
      return std::log(x);
    default:
      return x;
  }
}

bool saves_input(hs_activation kind) { return kind == HS_GELU || kind == HS_ABS || kind == HS_LOG; }

// The derivative in fp64. `saved` is the input for GELU, ABS and LOG, otherwise the output.
double derivative(hs_activation kind, double saved) {
  switch (kind) {
    case HS_RELU:
      return saved > 0 ? 1 : 0;
    case HS_GELU:
      return normal_cdf(saved) + saved * phi(saved);
    case HS_SIGMOID:
      return saved * (1 - saved);
    case HS_TANH:
      return 1 - saved * saved;
    case HS_ABS:
      return saved > 0 ? 1 : saved < 0 ? -1 : 0;
    case HS_SQRT:
      return 1 / (2 * saved);
    case HS_EXP:
      return saved;
    case HS_LOG:
      return 1 / saved;
    default:
      return 1;
  }
}

// Random inputs, small and large ones, zeros, and a sweep.
std::vector<float> inputs(size_t count) {
  std::vector<float> x = normals(count, 1, 3);
  const float special[] = {0.0f, -0.0f, 1e-30f, -1e-30f, 1e-4f, 20, -20, 100, -100, 0.624f, 0.626f};
  for (size_t i = 0; i < count; i++) {
    if (i % 3 == 1) x[i] = special[i / 3 % std::size(special)];
    if (i > 2000 && i % 3 == 2)
      x[i] = -12.0f + 24.0f * static_cast<float>(i) / static_cast<float>(count);
  }
  return x;
}

// Inputs for which the function is finite in all types: F16 ends at 65504, and square root and
// logarithm need positive inputs.
std::vector<float> inputs(hs_activation kind, size_t count) {
  std::vector<float> x = inputs(count);
  for (float& v : x) {
    if (kind == HS_EXP) v = std::min(v, 10.0f);
    if (kind == HS_SQRT || kind == HS_LOG) v = std::abs(v) + 0x1p-10f;
  }
  return x;
}

// A bound for the error of an exact formula in float, besides the rounding of the result: a few
// units of 1 for GELU (1 + erf cancels for negative x), of the result for the others.
double bound_of(hs_activation kind, double x, double value) {
  const double u = 0x1p-24;
  if (kind == HS_NONE || kind == HS_RELU || kind == HS_ABS) return 0;
  // In units of the result: sqrt is exact except for its rounding; exp and log are within 2 ulp
  // (1.0 and 0.8 on the CPU, 2 and 1 on CUDA).
  if (kind == HS_SQRT) return u * std::abs(value);
  if (kind == HS_EXP || kind == HS_LOG) return 4 * u * std::abs(value) + 1.2e-38;
  return kind == HS_GELU ? 4 * u * (std::abs(x) + std::abs(value))
                         : 6 * u * std::abs(value) + 1e-37;
}

double storage_rounding(const StorageType& type, double value) {
  return type.unit * std::abs(value) + (type.type == HS_F16 ? 0x1p-25 : 1e-37);
}

}  // namespace

TEST(outputs_match_the_definition) {
  on_devices([](Device& device) {
    for (hs_activation kind : kActivations) {
      for (const StorageType& type : kStorageTypes) {
        for (size_t count : kSizes) {
          StorageArray x(device, type.type, inputs(kind, count), 1), y(device, type.type, count, 3);
          CHECK_OK(hs_activation_forward(device.stream(), kind, type.type,
                                         static_cast<int64_t>(count), x.address(), y.address()));
          const std::vector<float> in = x.get(), out = y.get();
          size_t wrong = 0;
          for (size_t i = 0; i < count; i++) {
            const double expected = forward(kind, in[i]);
            const double bound = bound_of(kind, in[i], expected) + storage_rounding(type, expected);
            if (!(std::abs(out[i] - expected) <= bound)) wrong++;
          }
          CHECK_THAT(wrong == 0, std::to_string(wrong) + " of " + std::to_string(count) +
                                     ", activation " + std::to_string(kind) + " in " + type.name);
          CHECK_OK(hs_activation_forward(device.stream(), kind, type.type,
                                         static_cast<int64_t>(count), x.address(), x.address()));
          CHECK(same_bits(x.get(), out));  // in place
        }
      }
    }
  });
}

TEST(gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (hs_activation kind : kActivations) {
      for (const StorageType& type : kStorageTypes) {
        for (size_t count : kSizes) {
          std::vector<float> saved_values = inputs(kind, count);
          if (!saves_input(kind)) {
            for (float& x : saved_values) x = static_cast<float>(forward(kind, x));
          }
          StorageArray dy(device, type.type, normals(count, 2), 1);
          StorageArray saved(device, type.type, saved_values, 1), dx(device, type.type, count, 1);
          CHECK_OK(hs_activation_backward(device.stream(), kind, type.type,
                                          static_cast<int64_t>(count), dy.address(),
                                          saved.address(), dx.address()));
          const std::vector<float> g = dy.get(), s = saved.get(), out = dx.get();
          size_t wrong = 0;
          for (size_t i = 0; i < count; i++) {
            const double slope = derivative(kind, s[i]), expected = g[i] * slope;
            const double loss = kind == HS_GELU   ? 8 * 0x1p-24 * (1 + std::abs(s[i]))
                                : kind == HS_TANH ? 4 * 0x1p-24
                                                  : 4 * 0x1p-24 * std::abs(slope);
            const double bound = std::abs(g[i]) * loss + storage_rounding(type, expected);
            if (type.type == HS_F16 && std::abs(expected) > 65000) continue;  // F16 ends soon
            if (!(std::abs(out[i] - expected) <= bound)) wrong++;
          }
          CHECK_THAT(wrong == 0, std::to_string(wrong) + " of " + std::to_string(count) +
                                     ", activation " + std::to_string(kind) + " in " + type.name);
          CHECK_OK(hs_activation_backward(device.stream(), kind, type.type,
                                          static_cast<int64_t>(count), dy.address(),
                                          saved.address(), dy.address()));
          CHECK(same_bits(dy.get(), out));  // in place
        }
      }
    }
  });
}

TEST(infinities_saturate_and_NaN_stays) {
  on_devices([](Device& device) {
    Array<float> x(device, {kInfinity, -kInfinity, kNaN, 3e38f, -3e38f}), y(device, 5);
    const float expected[][5] = {{kInfinity, -kInfinity, kNaN, 3e38f, -3e38f},
                                 {kInfinity, 0, kNaN, 3e38f, 0},
                                 {kInfinity, 0, kNaN, 3e38f, 0},
                                 {1, 0, kNaN, 1, 0},
                                 {1, -1, kNaN, 1, -1},
                                 {kInfinity, kInfinity, kNaN, 3e38f, 3e38f},
                                 {kInfinity, kNaN, kNaN, 1.7320508e19f, kNaN},
                                 {kInfinity, 0, kNaN, kInfinity, 0},
                                 {kInfinity, kNaN, kNaN, 88.596846f, kNaN}};
    for (hs_activation kind : kActivations) {
      CHECK_OK(hs_activation_forward(device.stream(), kind, HS_F32, 5, x.address(), y.address()));
      for (size_t i = 0; i < 5; i++) {
        // GELU of -infinity is 0 * infinity in every exact formula; PyTorch gives NaN as well.
        if (kind == HS_GELU && i == 1) continue;
        const float want = expected[kind][i], got = y.get()[i];
        const float bound = kind >= HS_SQRT && std::isfinite(want) ? 0x1p-22f * want : 0;
        CHECK_THAT(
            std::isnan(want) ? std::isnan(got) : got == want || std::abs(got - want) <= bound,
            "activation " + std::to_string(kind) + " of value " + std::to_string(i));
      }
    }
  });
}

TEST(at_zero_functions_and_slopes_are_those_of_the_header) {
  on_devices([](Device& device) {
    Array<float> x(device, {0.0f, -0.0f, -2.0f}), y(device, 3);
    const auto forward = [&](hs_activation kind) {
      CHECK_OK(hs_activation_forward(device.stream(), kind, HS_F32, 3, x.address(), y.address()));
      return y.get();
    };
    CHECK(same_bits(forward(HS_ABS), {0, 0, 2}));
    CHECK(same_bits(forward(HS_EXP), {1, 1, forward(HS_EXP)[2]}));
    CHECK(forward(HS_SQRT)[0] == 0 && forward(HS_SQRT)[1] == 0 && std::isnan(forward(HS_SQRT)[2]));
    CHECK(forward(HS_LOG)[0] == -kInfinity && forward(HS_LOG)[1] == -kInfinity);
    CHECK(std::isnan(forward(HS_LOG)[2]));
    Array<float> dy(device, {3.0f, 3.0f, 3.0f});
    const auto slope = [&](hs_activation kind) {
      CHECK_OK(hs_activation_backward(device.stream(), kind, HS_F32, 3, dy.address(), x.address(),
                                      y.address()));
      return y.get();
    };
    CHECK(slope(HS_ABS)[0] == 0 && slope(HS_ABS)[1] == 0 && slope(HS_ABS)[2] == -3);
    CHECK(slope(HS_SQRT)[0] == kInfinity && slope(HS_LOG)[0] == kInfinity);
    CHECK(slope(HS_LOG)[2] == -1.5f);
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    for (hs_activation kind : kActivations) {
      const size_t count = 100003;
      Array<float> x(device, inputs(kind, count)), y(device, count), dx(device, count);
      check_same_everywhere(
          device,
          [&](hs_stream stream) {
            CHECK_OK(hs_activation_forward(stream, kind, HS_F32, count, x.address(), y.address()));
            CHECK_OK(hs_activation_backward(stream, kind, HS_F32, count, x.address(), y.address(),
                                            dx.address()));
          },
          [&] { return dx.get(); });
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    hs_stream s = device.stream();
    const hs_ptr at = x.address();
    CHECK_REFUSED(hs_activation_forward(s, 9, HS_F32, 1, at, at), "9 is not an hs_activation");
    CHECK_REFUSED(hs_activation_forward(s, HS_RELU, HS_I32, 1, at, at), "of I32");
    CHECK_REFUSED(hs_activation_forward(s, HS_RELU, HS_F32, -1, at, at), "count is -1");
    CHECK_REFUSED(hs_activation_forward(s, HS_RELU, HS_F32, 1, at, 0), "y is 0");
    CHECK_REFUSED(hs_activation_backward(s, -1, HS_F32, 1, at, at, at), "-1 is not");
    CHECK_REFUSED(hs_activation_backward(s, HS_RELU, HS_U8, 1, at, at, at), "of U8");
    CHECK_REFUSED(hs_activation_backward(s, HS_RELU, HS_F32, -1, at, at, at), "count is -1");
    CHECK_REFUSED(hs_activation_backward(s, HS_RELU, HS_F32, 1, at, 0, at), "saved is 0");
  });
}

KERNEL_TEST_MAIN()
