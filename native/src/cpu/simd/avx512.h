// x86-64-v4: AVX-512 F, BW, CD, DQ and VL. portable.h explains what each function does.
#ifndef HALFSTEP_CPU_SIMD_AVX512_H
#define HALFSTEP_CPU_SIMD_AVX512_H

#include <immintrin.h>

#define HS_LANES 16
#define HS_REGISTERS 32
#define HS_SCALE_EXPONENT 1

#include "cpu/simd/vectors.h"

namespace hs::cpu::HS_ISA {

// GCC 12 warns of an uninitialised value inside the unmasked forms of some intrinsics; with this
// constant mask the masked forms compile to the same instruction.
inline constexpr uint16_t kAllLanes = 0xffff;

struct Mask {
  int count;
  __mmask16 lanes;
};
HS_INLINE Mask first_lanes(int64_t count) {
  const int n = count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int>(count);
  return {n, static_cast<__mmask16>((1u << n) - 1)};
}

HS_INLINE vf widen(vh h, F16) {
  return reinterpret_cast<vf>(_mm512_maskz_cvtph_ps(kAllLanes, reinterpret_cast<__m256i>(h)));
}
HS_INLINE vh narrow(vf x, F16) {
  return reinterpret_cast<vh>(
      _mm512_maskz_cvtps_ph(kAllLanes, reinterpret_cast<__m512>(x), _MM_FROUND_TO_NEAREST_INT));
}

HS_INLINE vf load(const float* p, Mask m) {
  return reinterpret_cast<vf>(_mm512_maskz_loadu_ps(m.lanes, p));
}
HS_INLINE void store(float* p, vf v, Mask m) {
  _mm512_mask_storeu_ps(p, m.lanes, reinterpret_cast<__m512>(v));
}
HS_INLINE vh load_half(const uint16_t* p, Mask m) {
  return reinterpret_cast<vh>(_mm256_maskz_loadu_epi16(m.lanes, p));
}
HS_INLINE void store_half(uint16_t* p, vh h, Mask m) {
  _mm256_mask_storeu_epi16(p, m.lanes, reinterpret_cast<__m256i>(h));
}

HS_INLINE vf load(const uint8_t* p) {
  __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return __builtin_convertvector(vi(_mm512_maskz_cvtepu8_epi32(kAllLanes, b)), vf);
}

HS_INLINE void store_past_cache(float* p, vf v) { _mm512_stream_ps(p, __m512(v)); }
HS_INLINE void store_half_past_cache(uint16_t* p, vh h) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(h));
}
HS_INLINE void store_fence() { _mm_sfence(); }

HS_INLINE vf max(vf a, vf b) { return vf(_mm512_maskz_max_ps(kAllLanes, __m512(a), __m512(b))); }
HS_INLINE vf min(vf a, vf b) { return vf(_mm512_maskz_min_ps(kAllLanes, __m512(a), __m512(b))); }
HS_INLINE vf sqrt(vf x) { return vf(_mm512_maskz_sqrt_ps(kAllLanes, __m512(x))); }

HS_INLINE void multiply_wide(vu a, uint32_t constant, vu* high, vu* low) {
  const __m512i factor = __m512i(uint64_t{constant} - vq{});
  const vq even = vq(_mm512_maskz_mul_epu32(0xff, __m512i(a), factor));
  const vq odd = vq(_mm512_maskz_mul_epu32(0xff, __m512i(reinterpret_cast<vq>(a) >> 32), factor));
  split_products(even, odd, high, low);
}

// x * 2^m, where m is the largest integer not above n; 0 if that is far below the least normal
// float.
HS_INLINE vf scale_exponent(vf x, vf n) {
  return vf(_mm512_maskz_scalef_ps(kAllLanes, __m512(x), __m512(n)));
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_AVX512_H
