// The level that every processor runs: the compiler's vector extensions and plain loops, without a
// word for one processor. It is also the list of what a level's file defines, and says what each
// function does:
//   HS_LANES            floats of a vector; then "cpu/simd/vectors.h" is included
//   HS_REGISTERS        vector registers, 16 or 32: the tiles of matmul and convolution fill them
//   HS_SCALE_EXPONENT   defined where the level has scale_exponent(), see avx512.h
#ifndef HALFSTEP_CPU_SIMD_PORTABLE_H
#define HALFSTEP_CPU_SIMD_PORTABLE_H

#define HS_LANES 4
#define HS_REGISTERS 16

#include "cpu/simd/vectors.h"

namespace hs::cpu::HS_ISA {

// The first `count` lanes (cut to 0..kLanes), for the last vector of a row.
struct Mask {
  int count;
};
HS_INLINE Mask first_lanes(int64_t count) {
  return {count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int>(count)};
}

// FP16 and float: to nearest even, NaN stays NaN. Kernels flush denormal floats to zero, so both
// directions avoid them.
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

// Loads and stores of the mask's lanes. No byte outside of the mask is touched; lanes that are not
// loaded are zero.
HS_INLINE vf load(const float* p, Mask m) { return load_first<vf>(p, m.count); }
HS_INLINE void store(float* p, vf v, Mask m) { store_first(p, v, m.count); }
HS_INLINE vh load_half(const uint16_t* p, Mask m) { return load_first<vh>(p, m.count); }
HS_INLINE void store_half(uint16_t* p, vh h, Mask m) { store_first(p, h, m.count); }

// Bytes 0..255 as floats.
HS_INLINE vf load(const uint8_t* p) {
  return __builtin_convertvector(vi{p[0], p[1], p[2], p[3]}, vf);
}

// Stores past the caches where the processor can, to addresses that are multiples of the vector's
// size. store_fence() makes them visible to other threads.
HS_INLINE void store_past_cache(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) { __builtin_memcpy(p, &h, sizeof h); }
HS_INLINE void store_fence() {}

// Where either is NaN, min and max give b.
HS_INLINE vf max(vf a, vf b) { return a > b ? a : b; }
HS_INLINE vf min(vf a, vf b) { return a < b ? a : b; }
HS_INLINE vf sqrt(vf x) {
  vf root;
  for (int i = 0; i < kLanes; ++i) root[i] = __builtin_sqrtf(x[i]);
  return root;
}

// The upper and the lower halves of the 64-bit products of all lanes with a constant. The loop is one
// that GCC turns into NEON's long multiplications.
HS_INLINE void multiply_wide(vu a, uint32_t constant, vu* high, vu* low) {
  uint64_t product[kLanes];
  for (int i = 0; i < kLanes; ++i) product[i] = uint64_t{a[i]} * constant;
  for (int i = 0; i < kLanes; ++i) (*high)[i] = static_cast<uint32_t>(product[i] >> 32);
  *low = a * constant;
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_PORTABLE_H
