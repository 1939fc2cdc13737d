// Operations on two arrays and scaled sums against their definitions.
#include "compare.h"

using namespace hs::test;

namespace {

constexpr hs_binary kBinaries[] = {HS_ADD,     HS_SUBTRACT, HS_MULTIPLY, HS_DIVIDE,
                                   HS_MAXIMUM, HS_MINIMUM,  HS_GREATER,  HS_LESS};

double combine(hs_binary op, double a, double b) {
  switch (op) {
    case HS_ADD:
      return a + b;
    case HS_SUBTRACT:
      return a - b;
    case HS_DIVIDE:
      return a / b;
    case HS_MAXIMUM:
      return std::max(a, b);
    case HS_MINIMUM:
      return std::min(a, b);
    case HS_GREATER:
      return a > b ? 1 : a == b ? 0.5 : 0;
    case HS_LESS:
      return a < b ? 1 : a == b ? 0.5 : 0;
    default:
      return a * b;
  }
}

// Puts arrays of some sizes, odd ones and multiples of vectors, at addresses that are not aligned.
size_t shift_of(size_t count) { return count % 5 % 2; }

void check_elementwise(Device& device, hs_binary op, hs_dtype type, size_t count, size_t period) {
  StorageArray a(device, type, normals(count, 1), shift_of(count));
  std::vector<float> second = normals(period, 2);
  if (op == HS_DIVIDE) {  // keeps quotients within the range of every type
    for (float& v : second) v = std::copysign(std::max(std::abs(v), 0x1p-6f), v);
  }
  StorageArray b(device, type, second, 3 * shift_of(count));
  StorageArray y(device, type, count, shift_of(count));
  const auto call = [&](hs_ptr x, hs_ptr other, hs_ptr out) {
    CHECK_OK(hs_elementwise(device.stream(), op, type, static_cast<int64_t>(count),
                            static_cast<int64_t>(period), x, other, out));
  };
  call(a.address(), b.address(), y.address());
  const std::vector<float> as = a.get(), bs = b.get(), ys = y.get();
  std::vector<Expected> expected;
  for (size_t i = 0; i < count; i++) expected.push_back({combine(op, as[i], bs[i % period]), 0});
  check_close(ys, expected, type, shape_name({count, period}) + " op " + std::to_string(op));
  if (count == period) {
    call(a.address(), b.address(), b.address());
    CHECK(same_bits(b.get(), ys));
    b.set(bs);
  }
  call(a.address(), b.address(), a.address());
  CHECK(same_bits(a.get(), ys));
}

}  // namespace

TEST(operations_match_their_definition) {
  on_devices([](Device& device) {
    for (hs_binary op : kBinaries) {
      for (const StorageType& type : kStorageTypes) {
        for (size_t count : kSizes) check_elementwise(device, op, type.type, count, count);
      }
    }
  });
}

TEST(the_second_operand_repeats) {
  on_devices([](Device& device) {
    // One value for all; short rows that are joined; odd periods; one below and one above the
    // joined width; rows longer than a tile.
    for (size_t period : {1, 2, 3, 7, 10, 16, 17, 48, 63, 64, 65, 100, 1000, 20001}) {
      for (size_t rows : {1, 2, 5, 700}) {
        if (period * rows > 200000) continue;
        check_elementwise(device, HS_ADD, HS_F32, period * rows, period);
        check_elementwise(device, HS_MULTIPLY, HS_BF16, period * rows, period);
        check_elementwise(device, HS_SUBTRACT, HS_F16, period * rows, period);
        check_elementwise(device, HS_DIVIDE, HS_F32, period * rows, period);
        check_elementwise(device, HS_MAXIMUM, HS_BF16, period * rows, period);
        check_elementwise(device, HS_LESS, HS_F16, period * rows, period);
      }
    }
  });
}

TEST(equal_values_infinities_and_NaN_are_those_of_the_header) {
  on_devices([](Device& device) {
    const std::vector<float> as = {2, -0.0f, kNaN, 1, kInfinity, -kInfinity, 1, 0, -1};
    const std::vector<float> bs = {2, 0, 1, kNaN, 1, kInfinity, 0, 0, 0};
    Array<float> a(device, as), b(device, bs), y(device, as.size());
    const auto count = static_cast<int64_t>(as.size());
    const auto check = [&](hs_binary op, const std::vector<float>& expected) {
      CHECK_OK(hs_elementwise(device.stream(), op, HS_F32, count, count, a.address(), b.address(),
                              y.address()));
      for (size_t i = 0; i < expected.size(); i++) {
        const float got = y.get()[i];
        CHECK_THAT(std::isnan(expected[i]) ? std::isnan(got) : got == expected[i],
                   "op " + std::to_string(op) + " of pair " + std::to_string(i) + " is " +
                       std::to_string(got));
      }
    };
    check(HS_DIVIDE, {1, kNaN, kNaN, kNaN, kInfinity, kNaN, kInfinity, kNaN, -kInfinity});
    check(HS_MAXIMUM, {2, 0, kNaN, kNaN, kInfinity, kInfinity, 1, 0, 0});
    check(HS_MINIMUM, {2, 0, kNaN, kNaN, 1, -kInfinity, 0, 0, -1});
    check(HS_GREATER, {0.5f, 0.5f, 1, 1, 1, 0, 1, 0.5f, 0});
    check(HS_LESS, {0.5f, 0.5f, 1, 1, 0, 1, 0, 0.5f, 1});
  });
}

TEST(scaled_sums_match_their_definition) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (size_t count : kSizes) {
        StorageArray x(device, type.type, normals(count, 1), shift_of(count));
        StorageArray y(device, type.type, count, shift_of(count));
        const std::vector<float> xs = x.get();
        const auto call = [&](float alpha, float beta, hs_ptr out) {
          CHECK_OK(hs_scale_add(device.stream(), type.type, static_cast<int64_t>(count), alpha,
                                x.address(), beta, out));
        };
        std::vector<Expected> scaled, sums;
        call(0.3f, 0, y.address());  // y is NaN and must not be read
        for (float v : xs) scaled.push_back({static_cast<double>(0.3f) * v, 0});
        check_close(y.get(), scaled, type.type, "alpha x");
        y.set(normals(count, 2));
        const std::vector<float> before = y.get();
        call(0.3f, -2, y.address());
        for (size_t i = 0; i < count; i++) {
          const double a = static_cast<double>(0.3f) * xs[i], b = -2.0 * before[i];
          sums.push_back({a + b, 2 * kUnit * (std::abs(a) + std::abs(b))});
        }
        check_close(y.get(), sums, type.type, "alpha x + beta y");
        call(2, 1, x.address());  // in place
        std::vector<Expected> tripled;
        for (float v : xs) tripled.push_back({3.0 * v, 0});
        check_close(x.get(), tripled, type.type, "in place");
      }
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t count = 100008;
    Array<float> a(device, normals(count, 1)), b(device, normals(24, 2)), y(device, count);
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(hs_elementwise(s, HS_MULTIPLY, HS_F32, count, 24, a.address(), b.address(),
                                  y.address()));
          CHECK_OK(hs_scale_add(s, HS_F32, count, 0.3f, a.address(), 0.7f, y.address()));
        },
        [&] { return y.get(); });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    CHECK_REFUSED(hs_elementwise(s, 8, HS_F32, 4, 4, at, at, at), "8 is not an hs_binary");
    CHECK_REFUSED(hs_elementwise(s, HS_ADD, HS_I32, 4, 4, at, at, at), "of I32");
    CHECK_REFUSED(hs_elementwise(s, HS_ADD, HS_F32, -4, 4, at, at, at), "count is -4");
    CHECK_REFUSED(hs_elementwise(s, HS_ADD, HS_F32, 4, 3, at, at, at), "3 does not divide count 4");
    CHECK_REFUSED(hs_elementwise(s, HS_ADD, HS_F32, 4, 0, at, at, at), "period 0");
    CHECK_REFUSED(hs_elementwise(s, HS_ADD, HS_F32, 4, 4, at, 0, at), "b is 0");
    CHECK_REFUSED(hs_scale_add(s, HS_U8, 4, 1, at, 1, at), "of U8");
    CHECK_REFUSED(hs_scale_add(s, HS_F32, 4, 1, 0, 1, at), "x is 0");
  });
}

KERNEL_TEST_MAIN()
