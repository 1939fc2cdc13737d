// fill, copy and copy_rows. All are bound by memory: fill writes its bytes once, the copies read
// and write each byte once. Floor: bytes / (memory bandwidth).
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/pool.h"
#include "numerics/conversions.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileBytes = 256 << 10;

// An element of 1, 2, 4 or 8 bytes, repeated to the width of the widest vector.
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

// Converts to an integer type: rounds towards zero, and clamps to the type's range; NaN gives 0.
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

void copy_rows(const CopyRowsArgs& args) {
  const int64_t row_bytes = static_cast<int64_t>(args.row_bytes);
  if (row_bytes == 0) return;
  const uint8_t* const src = static_cast<const uint8_t*>(args.src);
  uint8_t* const dst = static_cast<uint8_t*>(args.dst);
  // The tiles copy whole rows, or pieces of rows that are longer than a tile.
  const int64_t piece = row_bytes < kTileBytes ? row_bytes : kTileBytes;
  const int64_t pieces = (row_bytes + piece - 1) / piece;
  for_spans(args.rows * pieces, kTileBytes / piece, 2 * kNsPerByte * static_cast<double>(piece) + 5,
            [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; i++) {
                const uint64_t row = static_cast<uint64_t>(i / pieces);
                const int64_t at = i % pieces * piece;
                const int64_t bytes = at + piece < row_bytes ? piece : row_bytes - at;
                __builtin_memcpy(dst + row * args.dst_pitch + at, src + row * args.src_pitch + at,
                                 static_cast<uint64_t>(bytes));
              }
            });
}

}  // namespace hs::cpu::HS_ISA
