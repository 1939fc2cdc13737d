// x86-64-v3: AVX2, FMA and F16C. portable.h explains what each function does.
#ifndef HALFSTEP_CPU_SIMD_AVX2_H
#define HALFSTEP_CPU_SIMD_AVX2_H

#include <immintrin.h>

#define HS_LANES 8
#define HS_REGISTERS 16

#include "cpu/simd/vectors.h"

namespace hs::cpu::HS_ISA {

struct Mask {
  int count;
  vi lanes;
};
HS_INLINE Mask first_lanes(int64_t count) {
  const int n = count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int>(count);
  return {n, iota() < set1_int(n)};
}

HS_INLINE vf widen(vh h, F16) {
  return reinterpret_cast<vf>(_mm256_cvtph_ps(reinterpret_cast<__m128i>(h)));
}
HS_INLINE vh narrow(vf x, F16) {
  return reinterpret_cast<vh>(
      _mm256_cvtps_ph(reinterpret_cast<__m256>(x), _MM_FROUND_TO_NEAREST_INT));
}

HS_INLINE vf load(const float* p, Mask m) {
  return reinterpret_cast<vf>(_mm256_maskload_ps(p, reinterpret_cast<__m256i>(m.lanes)));
}
HS_INLINE void store(float* p, vf v, Mask m) {
  _mm256_maskstore_ps(p, reinterpret_cast<__m256i>(m.lanes), reinterpret_cast<__m256>(v));
}
HS_INLINE vh load_half(const uint16_t* p, Mask m) { return load_first<vh>(p, m.count); }
HS_INLINE void store_half(uint16_t* p, vh h, Mask m) { store_first(p, h, m.count); }

HS_INLINE vf load(const uint8_t* p) {
  __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return __builtin_convertvector(vi(_mm256_cvtepu8_epi32(b)), vf);
}

HS_INLINE void store_past_cache(float* p, vf v) { _mm256_stream_ps(p, __m256(v)); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), reinterpret_cast<__m128i>(h));
}
HS_INLINE void store_fence() { _mm_sfence(); }

HS_INLINE vf max(vf a, vf b) { return vf(_mm256_max_ps(__m256(a), __m256(b))); }
HS_INLINE vf min(vf a, vf b) { return vf(_mm256_min_ps(__m256(a), __m256(b))); }
HS_INLINE vf sqrt(vf x) { return vf(_mm256_sqrt_ps(__m256(x))); }

HS_INLINE void multiply_wide(vu a, uint32_t constant, vu* high, vu* low) {
  const __m256i factor = __m256i(uint64_t{constant} - vq{});
  const vq even = vq(_mm256_mul_epu32(__m256i(a), factor));
  const vq odd = vq(_mm256_mul_epu32(__m256i(reinterpret_cast<vq>(a) >> 32), factor));
  split_products(even, odd, high, low);
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_AVX2_H
