// Fills, and copies of whole arrays and of rows.
#include <cstdint>

#include "compare.h"

using namespace hs::test;

namespace {

template <class T>
void check_fill(Device& device, hs_dtype type, double value, T expected) {
  for (size_t count : kSizes) {
    for (size_t shift : {0, 1, 3}) {
      Array<T> dst(device, count, shift);
      CHECK_OK(hs_fill(device.stream(), type, dst.address(), static_cast<int64_t>(count), value));
      CHECK_THAT(same_bits(dst.get(), std::vector<T>(count, expected)),
                 "type " + std::to_string(type) + ", count " + std::to_string(count));
    }
  }
}

template <class T>
std::vector<T> numbered(size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; i++) values[i] = static_cast<T>(i * 2654435761u + 12345);
  return values;
}

}  // namespace

TEST(fill_writes_the_value_in_every_type) {
  on_devices([](Device& device) {
    check_fill<float>(device, HS_F32, 0.1, 0.1f);
    check_fill<uint16_t>(device, HS_BF16, 1.00390625, 0x3f80);  // a tie, rounded to even
    check_fill<uint16_t>(device, HS_F16, -65536, 0xfc00);
    check_fill<int32_t>(device, HS_I32, -7, -7);
    check_fill<uint8_t>(device, HS_U8, 200, 200);
    check_fill<int64_t>(device, HS_I64, -0x1p40, -(int64_t{1} << 40));
    check_fill<double>(device, HS_F64, 0.1, 0.1);
  });
}

TEST(fill_takes_integers_to_the_nearest_possible_value) {
  on_devices([](Device& device) {
    check_fill<int32_t>(device, HS_I32, 1e10, INT32_MAX);
    check_fill<int32_t>(device, HS_I32, -1e10, INT32_MIN);
    check_fill<uint8_t>(device, HS_U8, -1, 0);
    check_fill<uint8_t>(device, HS_U8, 256, 255);
    check_fill<int64_t>(device, HS_I64, HUGE_VAL, INT64_MAX);
    check_fill<int32_t>(device, HS_I32, NAN, 0);
  });
}

TEST(copy_moves_every_byte_and_no_other) {
  on_devices([](Device& device) {
    for (size_t bytes : {0, 1, 3, 63, 64, 65, 4097, 262143, 262144, 262145, 1000003}) {
      std::vector<uint8_t> values(bytes);
      for (size_t i = 0; i < bytes; i++) values[i] = static_cast<uint8_t>(i * 131 + i / 256);
      Array<uint8_t> src(device, values, 1), dst(device, bytes, 3);
      check_same_everywhere(
          device,
          [&](hs_stream stream) { CHECK_OK(hs_copy(stream, dst.address(), src.address(), bytes)); },
          [&] { return dst.get(); });
      CHECK(dst.get() == values);
    }
  });
}

TEST(rows_are_copied_between_pitches_and_nothing_beside_them) {
  on_devices([](Device& device) {
    struct Case {
      size_t rows, bytes, from, to;
    };
    for (const Case& c : {Case{0, 4, 4, 4}, Case{5, 0, 4, 4}, Case{1, 7, 0, 7}, Case{3, 5, 8, 13},
                          Case{100, 12, 12, 36}, Case{9, 1000, 1001, 1003}, Case{4, 6, 0, 6},
                          Case{3, 300000, 300001, 300007}, Case{5000, 33, 40, 33}}) {
      const std::vector<uint8_t> values = numbered<uint8_t>(c.rows * c.from + c.bytes);
      Array<uint8_t> src(device, values), dst(device, c.rows * c.to + c.bytes);
      CHECK_OK(hs_copy_rows(device.stream(), static_cast<int64_t>(c.rows), c.bytes, src.address(),
                            c.from, dst.address(), c.to));
      std::vector<uint8_t> expected(c.rows * c.to + c.bytes, 0xff);  // Array fills with 0xff
      for (size_t r = 0; r < c.rows; r++) {
        for (size_t i = 0; i < c.bytes; i++) expected[r * c.to + i] = values[r * c.from + i];
      }
      CHECK_THAT(same_bits(dst.get(), expected), shape_name({c.rows, c.bytes, c.from, c.to}));
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    hs_stream stream = device.stream();
    const hs_ptr at = x.address();
    CHECK_REFUSED(hs_fill(stream, 9, at, 1, 0), "type 9");
    CHECK_REFUSED(hs_fill(stream, HS_F32, at, -1, 0), "count is -1");
    CHECK_REFUSED(hs_fill(stream, HS_F32, 0, 1, 0), "dst is 0");
    CHECK_OK(hs_fill(stream, HS_F32, 0, 0, 0));
    CHECK_REFUSED(hs_copy(stream, at, 0, 4), "src is 0");
    CHECK_REFUSED(hs_copy(stream, 0, at, 4), "dst is 0");
    CHECK_REFUSED(hs_copy_rows(stream, -1, 4, at, 4, at, 4), "rows is -1");
    CHECK_REFUSED(hs_copy_rows(stream, 2, 4, at, 4, at, 3), "overlap at a pitch of 3");
    CHECK_REFUSED(hs_copy_rows(stream, 2, 4, at, 4, 0, 4), "dst is 0");
  });
}

KERNEL_TEST_MAIN()
