// Conversions between types.
#include <cstdint>

#include "device.h"

using namespace hs::test;

namespace {

hs_status cast(Device& device, hs_dtype from, hs_ptr src, hs_dtype to, hs_ptr dst, size_t count) {
  return hs_cast(device.stream(), from, src, to, dst, static_cast<int64_t>(count));
}

}  // namespace

TEST(every_sixteen_bit_pattern_becomes_its_float_and_comes_back) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      std::vector<uint16_t> patterns(65536);
      for (size_t i = 0; i < patterns.size(); i++) patterns[i] = static_cast<uint16_t>(i);
      Array<uint16_t> src(device, patterns), back(device, patterns.size());
      Array<float> wide(device, patterns.size());
      CHECK_OK(cast(device, type, src.address(), HS_F32, wide.address(), patterns.size()));
      CHECK_OK(cast(device, HS_F32, wide.address(), type, back.address(), patterns.size()));
      const std::vector<float> values = wide.get();
      const std::vector<uint16_t> returned = back.get();
      size_t wrong = 0;
      for (size_t i = 0; i < patterns.size(); i++) {
        const uint16_t h = patterns[i];
        const float expected = type == HS_BF16 ? hs::float_from_bf16(h) : hs::float_from_f16(h);
        if (std::isnan(expected)) {
          if (!std::isnan(values[i]) ||
              (returned[i] & 0x7fff) <= (type == HS_BF16 ? 0x7f80 : 0x7c00))
            wrong++;
          continue;
        }
        // Denormals of BF16 are denormals of float too, which may be flushed to zero.
        const bool denormal = std::abs(expected) < 0x1p-126f;
        if (!denormal &&
            (hs::float_bits(values[i]) != hs::float_bits(expected) || returned[i] != h))
          wrong++;
      }
      CHECK_THAT(wrong == 0, std::to_string(wrong) + " patterns of type " + std::to_string(type));
    }
  });
}

TEST(floats_round_to_nearest_even) {
  on_devices([](Device& device) {
    // Ties and their neighbours, the ends of the range, subnormals, and random bits.
    std::vector<float> values = {
        0.0f,      -0.0f,           1.0f,       1.00390625f,  1.01171875f,  65519.996f,
        65520.0f,  65504.0f,        0x1p-14f,   0x1.ffcp-15f, 0x1.ffep-15f, 0x1p-24f,
        0x1p-25f,  0x1.000002p-25f, 0x1.8p-24f, 0x1p-26f,     3.4e38f,      3.39e38f,
        kInfinity, -kInfinity,      0x1.002p0f, 0x1.006p0f,   -0x1.002p0f};
    std::mt19937 bits(3);
    while (values.size() < 100003) {
      const float x = hs::float_from_bits(static_cast<uint32_t>(bits()));
      if (std::isfinite(x) && std::abs(x) >= 0x1p-126f) values.push_back(x);
      values.push_back(
          std::ldexp(static_cast<float>(bits()) * 0x1p-32f, static_cast<int>(bits() % 45) - 27));
    }
    Array<float> src(device, values, 1);
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      Array<uint16_t> dst(device, values.size(), 1);
      CHECK_OK(cast(device, HS_F32, src.address(), type, dst.address(), values.size()));
      const std::vector<uint16_t> halves = dst.get();
      size_t wrong = 0;
      for (size_t i = 0; i < values.size(); i++) {
        const uint16_t expected =
            type == HS_BF16 ? hs::bf16_from_float(values[i]) : hs::f16_from_float(values[i]);
        if (halves[i] != expected) wrong++;
      }
      CHECK_THAT(wrong == 0, std::to_string(wrong) + " values of type " + std::to_string(type));
    }
  });
}

TEST(the_scalar_conversions_are_the_nearest_of_all_patterns) {
  // Checks the definition: no other finite pattern is nearer, and on a tie the pattern is even.
  std::mt19937 bits(4);
  for (int i = 0; i < 20000; i++) {
    const float x =
        std::ldexp(static_cast<float>(bits()) * 0x1p-32f, static_cast<int>(bits() % 44) - 27);
    const uint16_t h = hs::f16_from_float(x);
    if (h == 0x7c00) {
      CHECK(x >= 65520.0f);
      continue;
    }
    const double error = std::abs(static_cast<double>(hs::float_from_f16(h)) - x);
    const auto other = [&](int step) {
      const int neighbour = h + step;
      if (neighbour < 0 || neighbour >= 0x7c00) return;
      const double there =
          std::abs(static_cast<double>(hs::float_from_f16(static_cast<uint16_t>(neighbour))) - x);
      CHECK(error < there || (error == there && h % 2 == 0));
    };
    other(1);
    other(-1);
  }
  CHECK(hs::float_from_f16(0x3c00) == 1 && hs::float_from_f16(1) == 0x1p-24f);
  CHECK(hs::float_from_f16(0x7bff) == 65504 && std::isinf(hs::float_from_f16(0xfc00)));
  CHECK(std::isnan(hs::float_from_f16(hs::f16_from_float(kNaN))));
  CHECK(std::isnan(hs::float_from_bf16(hs::bf16_from_float(hs::float_from_bits(0x7f800001)))));
}

TEST(casts_of_all_sizes_and_types_agree_with_the_scalar_conversions) {
  on_devices([](Device& device) {
    for (size_t count : kSizes) {
      std::vector<float> values = normals(count, 5, 100);
      for (const StorageType& from : kStorageTypes) {
        StorageArray src(device, from.type, values, 1);
        const std::vector<float> rounded = src.get();
        for (const StorageType& to : kStorageTypes) {
          StorageArray dst(device, to.type, count, 3), expected(device, to.type, rounded);
          CHECK_OK(cast(device, from.type, src.address(), to.type, dst.address(), count));
          CHECK_THAT(same_bits(dst.get(), expected.get()),
                     std::string(from.name) + " to " + to.name + ", " + std::to_string(count));
        }
      }
      std::vector<uint8_t> bytes(count);
      std::vector<int32_t> words(count);
      std::vector<float> from_bytes(count), from_words(count);
      for (size_t i = 0; i < count; i++) {
        from_bytes[i] = bytes[i] = static_cast<uint8_t>(i * 37);
        words[i] = static_cast<int32_t>(i * 2654435761u);
        from_words[i] = static_cast<float>(words[i]);
      }
      Array<uint8_t> byte_memory(device, bytes, 1);
      Array<int32_t> word_memory(device, words, 1);
      for (const StorageType& to : kStorageTypes) {
        StorageArray dst(device, to.type, count, 1), expected(device, to.type, from_bytes);
        CHECK_OK(cast(device, HS_U8, byte_memory.address(), to.type, dst.address(), count));
        CHECK(same_bits(dst.get(), expected.get()));
        expected.set(from_words);
        CHECK_OK(cast(device, HS_I32, word_memory.address(), to.type, dst.address(), count));
        CHECK(same_bits(dst.get(), expected.get()));
      }
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    hs_stream stream = device.stream();
    const hs_ptr at = x.address();
    CHECK_REFUSED(hs_cast(stream, HS_F64, at, HS_F32, at, 1), "cast from F64 to F32");
    CHECK_REFUSED(hs_cast(stream, HS_F32, at, HS_I32, at, 1), "cast from F32 to I32");
    CHECK_REFUSED(hs_cast(stream, HS_F32, at, HS_F16, at, -2), "count is -2");
    CHECK_REFUSED(hs_cast(stream, HS_F32, 0, HS_F16, at, 1), "src is 0");
  });
}

KERNEL_TEST_MAIN()
