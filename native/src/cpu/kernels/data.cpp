// Fills, copies and conversions. All are bound by memory: fill writes its bytes once, copy and cast
// read and write once. Floor: bytes / (memory bandwidth).
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/pool.h"
#include "cpu/simd.h"
#include "numerics/conversions.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileBytes = 256 << 10;

// A pattern of whole elements of 1, 2, 4 or 8 bytes, as wide as the widest vector.
struct Pattern {
  alignas(64) uint8_t bytes[64];
};

template <class T>
Pattern repeat(T value) {
  Pattern pattern;
  for (uint64_t i = 0; i < sizeof pattern.bytes; i += sizeof value) {
    __builtin_memcpy(pattern.bytes + i, &value, sizeof value);
  }
  return pattern;
}

// The nearest value of an integer type towards zero; NaN gives 0.
template <class T>
T to_integer(double value, double lowest, double above) {
  if (!(value > lowest)) return value == value ? static_cast<T>(lowest) : T{0};
  return value < above ? static_cast<T>(value) : static_cast<T>(static_cast<uint64_t>(above) - 1);
}

Pattern make_pattern(hs_dtype type, double value) {
  switch (type) {
    case HS_F32:
      return repeat(static_cast<float>(value));
    case HS_BF16:
      return repeat(bf16_from_float(static_cast<float>(value)));
    case HS_F16:
      return repeat(f16_from_float(static_cast<float>(value)));
    case HS_I32:
      return repeat(to_integer<int32_t>(value, -0x1p31, 0x1p31));
    case HS_U8:
      return repeat(to_integer<uint8_t>(value, 0, 0x1p8));
    case HS_I64:
      return repeat(to_integer<int64_t>(value, -0x1p63, 0x1p63));
    default:
      return repeat(value);
  }
}

int64_t element_size(hs_dtype type) {
  constexpr int64_t kSizes[] = {4, 2, 2, 4, 1, 8, 8};
  return kSizes[type];
}

void fill_bytes(uint8_t* dst, int64_t bytes, const Pattern& pattern) {
  constexpr int64_t kStep = sizeof pattern.bytes;
  int64_t i = 0;
  for (; i + kStep <= bytes; i += kStep) __builtin_memcpy(dst + i, pattern.bytes, kStep);
  __builtin_memcpy(dst + i, pattern.bytes, static_cast<uint64_t>(bytes - i));
}

template <class From, class To>
void cast_tile(const void* src, void* dst, int64_t begin, int64_t end) {
  const From* from = static_cast<const From*>(src);
  To* to = static_cast<To*>(dst);
  for_vectors(begin, end,
              [=](int64_t i, auto lanes) { store(to + i, load(from + i, lanes), lanes); });
}

using CastTile = void (*)(const void*, void*, int64_t, int64_t);

template <class From>
CastTile cast_from(hs_dtype dst_type) {
  return dst_type == HS_F32    ? cast_tile<From, float>
         : dst_type == HS_BF16 ? cast_tile<From, Bf16>
                               : cast_tile<From, F16>;
}

CastTile cast_between(hs_dtype src_type, hs_dtype dst_type) {
  switch (src_type) {
    case HS_F32:
      return cast_from<float>(dst_type);
    case HS_BF16:
      return cast_from<Bf16>(dst_type);
    case HS_F16:
      return cast_from<F16>(dst_type);
    case HS_U8:
      return cast_from<uint8_t>(dst_type);
    default:
      return cast_from<int32_t>(dst_type);
  }
}

}  // namespace

void fill(const FillArgs& args) {
  const Pattern pattern = make_pattern(args.type, args.value);
  const int64_t bytes = args.count * element_size(args.type);
  for_spans(bytes, kTileBytes, kNsPerByte, [&](int64_t begin, int64_t end) {
    fill_bytes(static_cast<uint8_t*>(args.dst) + begin, end - begin, pattern);
  });
}

void copy(const CopyArgs& args) {
  for_spans(static_cast<int64_t>(args.bytes), kTileBytes, 2 * kNsPerByte,
            [&](int64_t begin, int64_t end) {
              __builtin_memcpy(static_cast<uint8_t*>(args.dst) + begin,
                               static_cast<const uint8_t*>(args.src) + begin,
                               static_cast<uint64_t>(end - begin));
            });
}

void cast(const CastArgs& args) {
  const CastTile tile = cast_between(args.src_type, args.dst_type);
  for_spans(args.count, kTileBytes / 4, 8 * kNsPerByte,
            [&](int64_t begin, int64_t end) { tile(args.src, args.dst, begin, end); });
}

}  // namespace hs::cpu::HS_ISA
