// Conversions between float and the 16-bit storage types, one value at a time. They round to
// nearest, ties to even; NaN stays NaN; a value that exceeds the largest finite one by half a unit
// in the last place or more becomes infinity (IEEE 754-2019, section 4.3.1). FP16's subnormals are
// kept.
#ifndef HALFSTEP_NUMERICS_CONVERSIONS_H
#define HALFSTEP_NUMERICS_CONVERSIONS_H

#include "numerics/host_device.h"

namespace hs {

HS_HOST_DEVICE uint32_t float_bits(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

HS_HOST_DEVICE float float_from_bits(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

HS_HOST_DEVICE float float_from_bf16(uint16_t h) {
  return float_from_bits(static_cast<uint32_t>(h) << 16);
}

HS_HOST_DEVICE uint16_t bf16_from_float(float x) {
  const uint32_t u = float_bits(x);
  if (x != x) return static_cast<uint16_t>((u >> 16) | 0x40);  // a quiet NaN, whatever the payload
  return static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

HS_HOST_DEVICE float float_from_f16(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 0x1f;
  uint32_t fraction = h & 0x3ff;
  if (exponent == 0x1f) return float_from_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0) return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  if (fraction == 0) return float_from_bits(sign);
  uint32_t shifted = 113;  // a subnormal: move its leading 1 up to the hidden bit
  while ((fraction & 0x400) == 0) {
    fraction <<= 1;
    shifted--;
  }
  return float_from_bits(sign | shifted << 23 | (fraction & 0x3ff) << 13);
}

HS_HOST_DEVICE uint16_t f16_from_float(float x) {
  const uint32_t u = float_bits(x);
  const uint32_t sign = (u >> 16) & 0x8000;
  const uint32_t magnitude = u & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and more
  if (magnitude >= 0x38800000) {                                             // 2^-14 and more
    const uint32_t rounded = magnitude - (112u << 23) + 0xfff + ((magnitude >> 13) & 1);
    return static_cast<uint16_t>(sign | rounded >> 13);
  }
  if (magnitude < 0x33000000) return static_cast<uint16_t>(sign);  // under 2^-25
  // Subnormal: `kept` is the significand in units of 2^-24; the `drop` bits below are rounded away.
  const uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  const uint32_t drop = 126 - (magnitude >> 23);
  const uint32_t half = 1u << (drop - 1);
  const uint32_t kept = significand >> drop;
  const uint32_t rest = significand & ((1u << drop) - 1);
  return static_cast<uint16_t>(sign | (kept + (rest > half || (rest == half && (kept & 1)))));
}

// Rounds to TF32, a float of which only 10 bits of mantissa are kept. Ties go away from zero, as on
// the devices; NaN stays NaN.
HS_HOST_DEVICE float tf32_from_float(float x) {
  return x != x ? x : float_from_bits((float_bits(x) + 0x1000) & 0xffffe000);
}

}  // namespace hs

#endif  // HALFSTEP_NUMERICS_CONVERSIONS_H
