// One vector of floats, as wide as the instruction set that this file is compiled for.
//
// Kernels are compiled once per instruction set with -DHS_ISA=avx512, avx2 ...; code that depends
// on the instruction set is in cpu/simd/<isa>.h (HS_ISA_HEADER). Everything is in hs::cpu::HS_ISA,
// so that the linker never merges two builds of the same function. Arithmetic uses the compiler's
// vector extensions: `a * b + c` becomes one fused multiply-add if the machine has it
// (-ffp-contract=fast), `a < b ? x : y` becomes a blend.
#ifndef HALFSTEP_CPU_SIMD_H
#define HALFSTEP_CPU_SIMD_H

#if !defined(HS_ISA) || !defined(HS_ISA_HEADER)
#error "compile it with the options of halfstep_isa_options() in cmake/HalfstepIsa.cmake"
#endif
#include HS_ISA_HEADER

namespace hs::cpu::HS_ISA {

// ---- conversions between float and BF16: to nearest, ties to even; NaN stays NaN ----

HS_INLINE vf widen(vh h, Bf16) {
  return from_bits(reinterpret_cast<vi>(__builtin_convertvector(h, vu) << 16));
}

HS_INLINE vh narrow(vf x, Bf16) {
  vu u = reinterpret_cast<vu>(x);
  vu rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  return __builtin_convertvector(x == x ? rounded : ((u >> 16) | 0x40), vh);
}

// ---- loads and stores, any alignment; cpu/simd/portable.h explains those with a mask ----

HS_INLINE vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
HS_INLINE void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

HS_INLINE vh load_half(const uint16_t* p) {
  vh h;
  __builtin_memcpy(&h, p, sizeof h);
  return h;
}
HS_INLINE void store_half(uint16_t* p, vh h) { __builtin_memcpy(p, &h, sizeof h); }

HS_INLINE vf load(const Bf16* p) { return widen(load_half(&p->bits), Bf16{}); }
HS_INLINE vf load(const F16* p) { return widen(load_half(&p->bits), F16{}); }
HS_INLINE vf load(const Bf16* p, Mask m) { return widen(load_half(&p->bits, m), Bf16{}); }
HS_INLINE vf load(const F16* p, Mask m) { return widen(load_half(&p->bits, m), F16{}); }
HS_INLINE void store(Bf16* p, vf v) { store_half(&p->bits, narrow(v, Bf16{})); }
HS_INLINE void store(F16* p, vf v) { store_half(&p->bits, narrow(v, F16{})); }
HS_INLINE void store(Bf16* p, vf v, Mask m) { store_half(&p->bits, narrow(v, Bf16{}), m); }
HS_INLINE void store(F16* p, vf v, Mask m) { store_half(&p->bits, narrow(v, F16{}), m); }

HS_INLINE void store_past_cache(Bf16* p, vf v) {
  store_half_past_cache(&p->bits, narrow(v, Bf16{}));
}
HS_INLINE void store_past_cache(F16* p, vf v) { store_half_past_cache(&p->bits, narrow(v, F16{})); }

// Loads bytes and converts them to floats 0..255.
HS_INLINE vf load(const uint8_t* p, Mask m) {
  uint8_t b[kLanes] = {};
  for (int i = 0; i < m.count; ++i) b[i] = p[i];
  return load(b);
}

// Loads bytes and converts them to integers 0..255.
HS_INLINE vi load_bytes(const uint8_t* p) {
  vb b;
  __builtin_memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b, vi);
}
HS_INLINE vi load_bytes(const uint8_t* p, Mask m) {
  return __builtin_convertvector(load_first<vb>(p, m.count), vi);
}
HS_INLINE void store_bytes(uint8_t* p, vi v) {
  const vb b = __builtin_convertvector(v, vb);
  __builtin_memcpy(p, &b, sizeof b);
}
HS_INLINE void store_bytes(uint8_t* p, vi v, Mask m) {
  store_first(p, __builtin_convertvector(v, vb), m.count);
}

// One element, for scalar edges.
HS_INLINE float load_one(const float* p) { return *p; }
HS_INLINE float load_one(const Bf16* p) { return load(p, first_lanes(1))[0]; }
HS_INLINE float load_one(const F16* p) { return load(p, first_lanes(1))[0]; }
HS_INLINE void store_one(float* p, float x) { *p = x; }
HS_INLINE void store_one(Bf16* p, float x) { store(p, set1(x), first_lanes(1)); }
HS_INLINE void store_one(F16* p, float x) { store(p, set1(x), first_lanes(1)); }

// ---- arithmetic that the vector extensions do not provide ----

HS_INLINE vf abs(vf x) { return from_bits(bits(x) & 0x7fffffff); }
HS_INLINE vf copy_sign(vf magnitude, vf sign) {
  return from_bits((bits(magnitude) & 0x7fffffff) | (bits(sign) & INT32_MIN));
}

// Rotates the lanes: lane i of the result is lane i + n of v, modulo kLanes.
HS_INLINE vf rotate(vf v, int n) { return shuffle(v, (iota() + n) & (kLanes - 1)); }

// Reductions over the lanes. Each step halves the number of partial results, so the order is fixed
// for one instruction set.
HS_INLINE float reduce_add(vf v) {
#pragma GCC unroll 4
  for (int half = kLanes / 2; half > 0; half /= 2) v = v + rotate(v, half);
  return v[0];
}
HS_INLINE float reduce_max(vf v) {
#pragma GCC unroll 4
  for (int half = kLanes / 2; half > 0; half /= 2) v = max(v, rotate(v, half));
  return v[0];
}
HS_INLINE float reduce_min(vf v) { return -reduce_max(-v); }

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_H
