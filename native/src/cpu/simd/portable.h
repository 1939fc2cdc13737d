// The level that every processor runs: it uses the compiler's vector extensions and plain loops,
// and no instruction of a particular processor. This file also shows what the file of a level must
// define and explains each function:
//   HS_LANES            floats in a vector; defined before "cpu/simd/vectors.h" is included
//   HS_REGISTERS        vector registers, 16 or 32: the tiles of matmul and convolution fill them
//   HS_SCALE_EXPONENT   defined where the level has scale_exponent(), see avx512.h
#ifndef HALFSTEP_CPU_SIMD_PORTABLE_H
#define HALFSTEP_CPU_SIMD_PORTABLE_H

#define HS_LANES 4
#define HS_REGISTERS 16

#include "cpu/simd/vectors.h"

namespace hs::cpu::HS_ISA {

// The first `count` lanes (clamped to 0..kLanes), for the last vector of a row.
struct Mask {
  int count;
};
HS_INLINE Mask first_lanes(int64_t count) {
  return {count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int>(count)};
}

// Conversions between FP16 and float: to nearest, ties to even; NaN stays NaN. Kernels flush
// denormal floats to zero, so neither direction uses denormal floats on the way.
HS_INLINE vf widen(vh h, F16) {
  vi u = reinterpret_cast<vi>(__builtin_convertvector(h, vu));
  vi shifted = (u & 0x7fff) << 13;
  vi exponent = shifted & (0x1f << 23);
  vi normal = shifted + ((127 - 15) << 23);
  vi special = normal + ((128 - 16) << 23);  // infinity and NaN
  vi tiny = bits(from_bits(normal + (1 << 23)) - from_bits(set1_int(113 << 23)));
  vi magnitude = exponent == (0x1f << 23) ? special : exponent == 0 ? tiny : normal;
  return from_bits(magnitude | ((u & 0x8000) << 16));
}
HS_INLINE vh narrow(vf x, F16) {
  vi u = bits(x);
  vi a = u & 0x7fffffff;
  vi tiny = bits(from_bits(a) + 0.5f) - (126 << 23);  // the addition rounds at 2^-24
  vi normal = (a + (((15 - 127) << 23) + 0xfff) + ((a >> 13) & 1)) >> 13;
  vi special = a > (255 << 23) ? (0x7e00 | ((a >> 13) & 0x3ff)) : set1_int(0x7c00);
  vi magnitude = a >= (143 << 23) ? special : a < (113 << 23) ? tiny : normal;
  return __builtin_convertvector(reinterpret_cast<vu>(magnitude | ((u >> 16) & 0x8000)), vh);
}

// Loads and stores of the lanes of a mask. Memory outside the mask is not touched; lanes that are
// not loaded are zero.
HS_INLINE vf load(const float* p, Mask m) { return load_first<vf>(p, m.count); }
HS_INLINE void store(float* p, vf v, Mask m) { store_first(p, v, m.count); }
HS_INLINE vh load_half(const uint16_t* p, Mask m) { return load_first<vh>(p, m.count); }
HS_INLINE void store_half(uint16_t* p, vh h, Mask m) { store_first(p, h, m.count); }

// Loads bytes and converts them to floats 0..255.
HS_INLINE vf load(const uint8_t* p) {
  return __builtin_convertvector(vi{p[0], p[1], p[2], p[3]}, vf);
}

// Stores that bypass the caches if the processor can do that, to addresses that are multiples of
// the vector's size. store_fence() makes them visible to other threads.
HS_INLINE void store_past_cache(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) { __builtin_memcpy(p, &h, sizeof h); }
HS_INLINE void store_fence() {}

// In lanes where a or b is NaN, min and max return b.
HS_INLINE vf max(vf a, vf b) { return a > b ? a : b; }
HS_INLINE vf min(vf a, vf b) { return a < b ? a : b; }
HS_INLINE vf sqrt(vf x) {
  vf root;
  for (int i = 0; i < kLanes; ++i) root[i] = __builtin_sqrtf(x[i]);
  return root;
}

// The upper and the lower halves of the 64-bit products of all lanes with a constant. GCC turns
// this loop into NEON's long multiplications.
HS_INLINE void multiply_wide(vu a, uint32_t constant, vu* high, vu* low) {
  uint64_t product[kLanes];
  for (int i = 0; i < kLanes; ++i) product[i] = uint64_t{a[i]} * constant;
  for (int i = 0; i < kLanes; ++i) (*high)[i] = static_cast<uint32_t>(product[i] >> 32);
  *low = a * constant;
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_PORTABLE_H
