// One vector of floats, as wide as the instruction set that this file is compiled for.
//
// Kernels are compiled once per instruction set with -DHS_ISA=avx512|avx2|portable; everything
// here lives in hs::cpu::HS_ISA, so that no two builds of the same function ever meet in the
// linker. Arithmetic is that of GCC's vector extensions: `a * b + c` becomes one fused
// multiply-add where the machine has it (-ffp-contract=fast), `a < b ? x : y` a blend.
#ifndef HALFSTEP_CPU_SIMD_H
#define HALFSTEP_CPU_SIMD_H

#include <immintrin.h>

#include <cstdint>

#ifndef HS_ISA
#error "compile CPU kernels with -DHS_ISA=avx512, avx2 or portable"
#endif
#define HS_INLINE inline __attribute__((always_inline))

namespace hs::cpu::HS_ISA {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
// GCC 12 warns of an uninitialised value inside the unmasked forms of some intrinsics; with this
// constant mask the masked forms compile to the same instruction.
inline constexpr uint16_t kAllLanes = 0xffff;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi __attribute__((vector_size(kLanes * 4)));
typedef uint32_t vu __attribute__((vector_size(kLanes * 4)));
typedef uint16_t vh __attribute__((vector_size(kLanes * 2)));  // half-width: BF16 or FP16 bits
typedef uint8_t vb __attribute__((vector_size(kLanes)));
typedef uint64_t vq __attribute__((vector_size(kLanes * 4)));

// Storage types of 16 bits; arithmetic is always in float.
struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

// The first `count` lanes (clamped to 0..kLanes), for the last vector of a row.
struct Mask {
  int count;
#if defined(__AVX512F__)
  __mmask16 lanes;
#elif defined(__AVX2__)
  vi lanes;
#endif
};

HS_INLINE vf set1(float x) { return x - vf{}; }
HS_INLINE vi set1_int(int32_t x) { return x - vi{}; }
HS_INLINE vi bits(vf x) { return reinterpret_cast<vi>(x); }
HS_INLINE vf from_bits(vi x) { return reinterpret_cast<vf>(x); }

HS_INLINE vi iota() {
  vi v;
  for (int i = 0; i < kLanes; ++i) v[i] = i;
  return v;
}

HS_INLINE Mask first_lanes(int64_t count) {
  int n = count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int>(count);
#if defined(__AVX512F__)
  return {n, static_cast<__mmask16>((1u << n) - 1)};
#elif defined(__AVX2__)
  return {n, iota() < set1_int(n)};
#else
  return {n};
#endif
}

// ---- conversions between float and the 16-bit types: to nearest even, NaN stays NaN ----

HS_INLINE vf widen(vh h, Bf16) {
  return from_bits(reinterpret_cast<vi>(__builtin_convertvector(h, vu) << 16));
}

HS_INLINE vh narrow(vf x, Bf16) {
  vu u = reinterpret_cast<vu>(x);
  vu rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  return __builtin_convertvector(x == x ? rounded : ((u >> 16) | 0x40), vh);
}

#if defined(__AVX512F__)
HS_INLINE vf widen(vh h, F16) {
  return reinterpret_cast<vf>(_mm512_maskz_cvtph_ps(kAllLanes, reinterpret_cast<__m256i>(h)));
}
HS_INLINE vh narrow(vf x, F16) {
  return reinterpret_cast<vh>(
      _mm512_maskz_cvtps_ph(kAllLanes, reinterpret_cast<__m512>(x), _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(__AVX2__)
HS_INLINE vf widen(vh h, F16) {
  return reinterpret_cast<vf>(_mm256_cvtph_ps(reinterpret_cast<__m128i>(h)));
}
HS_INLINE vh narrow(vf x, F16) {
  return reinterpret_cast<vh>(
      _mm256_cvtps_ph(reinterpret_cast<__m256>(x), _MM_FROUND_TO_NEAREST_INT));
}
#else
// Both directions avoid denormal floats, which kernels flush to zero.
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
#endif

// ---- loads and stores, any alignment; masked ones touch no byte outside of the mask, and the
// lanes that they do not load are zero ----

HS_INLINE vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
HS_INLINE void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

#if defined(__AVX512F__)
HS_INLINE vf load(const float* p, Mask m) {
  return reinterpret_cast<vf>(_mm512_maskz_loadu_ps(m.lanes, p));
}
HS_INLINE void store(float* p, vf v, Mask m) {
  _mm512_mask_storeu_ps(p, m.lanes, reinterpret_cast<__m512>(v));
}
#elif defined(__AVX2__)
HS_INLINE vf load(const float* p, Mask m) {
  return reinterpret_cast<vf>(_mm256_maskload_ps(p, reinterpret_cast<__m256i>(m.lanes)));
}
HS_INLINE void store(float* p, vf v, Mask m) {
  _mm256_maskstore_ps(p, reinterpret_cast<__m256i>(m.lanes), reinterpret_cast<__m256>(v));
}
#else
HS_INLINE vf load(const float* p, Mask m) {
  vf v{};
  for (int i = 0; i < m.count; ++i) v[i] = p[i];
  return v;
}
HS_INLINE void store(float* p, vf v, Mask m) {
  for (int i = 0; i < m.count; ++i) p[i] = v[i];
}
#endif

HS_INLINE vh load_half(const uint16_t* p) {
  vh h;
  __builtin_memcpy(&h, p, sizeof h);
  return h;
}
HS_INLINE vh load_half(const uint16_t* p, Mask m) {
#if defined(__AVX512F__)
  return reinterpret_cast<vh>(_mm256_maskz_loadu_epi16(m.lanes, p));
#else
  vh h{};
  for (int i = 0; i < m.count; ++i) h[i] = p[i];
  return h;
#endif
}
HS_INLINE void store_half(uint16_t* p, vh h) { __builtin_memcpy(p, &h, sizeof h); }
HS_INLINE void store_half(uint16_t* p, vh h, Mask m) {
#if defined(__AVX512F__)
  _mm256_mask_storeu_epi16(p, m.lanes, reinterpret_cast<__m256i>(h));
#else
  for (int i = 0; i < m.count; ++i) p[i] = h[i];
#endif
}

HS_INLINE vf load(const Bf16* p) { return widen(load_half(&p->bits), Bf16{}); }
HS_INLINE vf load(const F16* p) { return widen(load_half(&p->bits), F16{}); }
HS_INLINE vf load(const Bf16* p, Mask m) { return widen(load_half(&p->bits, m), Bf16{}); }
HS_INLINE vf load(const F16* p, Mask m) { return widen(load_half(&p->bits, m), F16{}); }
HS_INLINE void store(Bf16* p, vf v) { store_half(&p->bits, narrow(v, Bf16{})); }
HS_INLINE void store(F16* p, vf v) { store_half(&p->bits, narrow(v, F16{})); }
HS_INLINE void store(Bf16* p, vf v, Mask m) { store_half(&p->bits, narrow(v, Bf16{}), m); }
HS_INLINE void store(F16* p, vf v, Mask m) { store_half(&p->bits, narrow(v, F16{}), m); }

// Stores past the caches, to addresses that are multiples of the vector's size. store_fence() makes
// them visible to other threads.
#if defined(__AVX512F__)
HS_INLINE void store_past_cache(float* p, vf v) { _mm512_stream_ps(p, __m512(v)); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(h));
}
#elif defined(__AVX2__)
HS_INLINE void store_past_cache(float* p, vf v) { _mm256_stream_ps(p, __m256(v)); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), reinterpret_cast<__m128i>(h));
}
#else
HS_INLINE void store_past_cache(float* p, vf v) { _mm_stream_ps(p, __m128(v)); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) { store_half(p, h); }
#endif
HS_INLINE void store_past_cache(Bf16* p, vf v) {
  store_half_past_cache(&p->bits, narrow(v, Bf16{}));
}
HS_INLINE void store_past_cache(F16* p, vf v) { store_half_past_cache(&p->bits, narrow(v, F16{})); }
HS_INLINE void store_fence() { _mm_sfence(); }

// Bytes 0..255 as floats.
HS_INLINE vf load(const uint8_t* p) {
#if defined(__AVX512F__)
  __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return __builtin_convertvector(vi(_mm512_maskz_cvtepu8_epi32(kAllLanes, b)), vf);
#elif defined(__AVX2__)
  __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return __builtin_convertvector(vi(_mm256_cvtepu8_epi32(b)), vf);
#else
  return __builtin_convertvector(vi{p[0], p[1], p[2], p[3]}, vf);
#endif
}
HS_INLINE vf load(const uint8_t* p, Mask m) {
  uint8_t b[kLanes] = {};
  for (int i = 0; i < m.count; ++i) b[i] = p[i];
  return load(b);
}

// Integers 0..255 in bytes.
HS_INLINE vi load_bytes(const uint8_t* p) {
  vb b;
  __builtin_memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b, vi);
}
HS_INLINE vi load_bytes(const uint8_t* p, Mask m) {
  vb b{};
  for (int i = 0; i < m.count; ++i) b[i] = p[i];
  return __builtin_convertvector(b, vi);
}
HS_INLINE void store_bytes(uint8_t* p, vi v) {
  const vb b = __builtin_convertvector(v, vb);
  __builtin_memcpy(p, &b, sizeof b);
}
HS_INLINE void store_bytes(uint8_t* p, vi v, Mask m) {
  const vb b = __builtin_convertvector(v, vb);
  for (int i = 0; i < m.count; ++i) p[i] = b[i];
}

// One element, for scalar edges.
HS_INLINE float load_one(const float* p) { return *p; }
HS_INLINE float load_one(const Bf16* p) { return load(p, first_lanes(1))[0]; }
HS_INLINE float load_one(const F16* p) { return load(p, first_lanes(1))[0]; }
HS_INLINE void store_one(float* p, float x) { *p = x; }
HS_INLINE void store_one(Bf16* p, float x) { store(p, set1(x), first_lanes(1)); }
HS_INLINE void store_one(F16* p, float x) { store(p, set1(x), first_lanes(1)); }

// ---- arithmetic that the vector extensions have no word for ----

// Where either is NaN, min and max give b.
#if defined(__AVX512F__)
HS_INLINE vf sqrt(vf x) { return vf(_mm512_maskz_sqrt_ps(kAllLanes, __m512(x))); }
HS_INLINE vf max(vf a, vf b) { return vf(_mm512_maskz_max_ps(kAllLanes, __m512(a), __m512(b))); }
HS_INLINE vf min(vf a, vf b) { return vf(_mm512_maskz_min_ps(kAllLanes, __m512(a), __m512(b))); }
#elif defined(__AVX2__)
HS_INLINE vf sqrt(vf x) { return vf(_mm256_sqrt_ps(__m256(x))); }
HS_INLINE vf max(vf a, vf b) { return vf(_mm256_max_ps(__m256(a), __m256(b))); }
HS_INLINE vf min(vf a, vf b) { return vf(_mm256_min_ps(__m256(a), __m256(b))); }
#else
HS_INLINE vf sqrt(vf x) { return vf(_mm_sqrt_ps(__m128(x))); }
HS_INLINE vf max(vf a, vf b) { return vf(_mm_max_ps(__m128(a), __m128(b))); }
HS_INLINE vf min(vf a, vf b) { return vf(_mm_min_ps(__m128(a), __m128(b))); }
#endif

// x * 2^m, m the integer at or below n; 0 where that is below the least normal float by far.
#if defined(__AVX512F__)
HS_INLINE vf scale_exponent(vf x, vf n) {
  return vf(_mm512_maskz_scalef_ps(kAllLanes, __m512(x), __m512(n)));
}
#endif

// The full products of the lower 32 bits of each lane.
#if defined(__AVX512F__)
HS_INLINE vq multiply_low(vq a, vq b) {
  return vq(_mm512_maskz_mul_epu32(0xff, __m512i(a), __m512i(b)));
}
#elif defined(__AVX2__)
HS_INLINE vq multiply_low(vq a, vq b) { return vq(_mm256_mul_epu32(__m256i(a), __m256i(b))); }
#else
HS_INLINE vq multiply_low(vq a, vq b) { return vq(_mm_mul_epu32(__m128i(a), __m128i(b))); }
#endif

HS_INLINE vf abs(vf x) { return from_bits(bits(x) & 0x7fffffff); }
HS_INLINE vf copy_sign(vf magnitude, vf sign) {
  return from_bits((bits(magnitude) & 0x7fffffff) | (bits(sign) & INT32_MIN));
}

// The lanes moved down by n, around the end.
HS_INLINE vf rotate(vf v, int n) { return __builtin_shuffle(v, (iota() + n) & (kLanes - 1)); }

// Reductions over the lanes, halving each time: the order is fixed for one instruction set.
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
