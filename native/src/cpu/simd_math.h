// exp, log, tanh and erf over vectors of floats. The largest errors, which
// native/test/isa/simd_test.cpp measures over the whole range: exp 1.0 ulp, log 0.8, tanh 1.3, erf
// 1.4. The polynomials are minimax fits (Remez) of the functions that the comments name. NaN gives
// NaN. Denormal results become zero.
#ifndef HALFSTEP_CPU_SIMD_MATH_H
#define HALFSTEP_CPU_SIMD_MATH_H

#include "cpu/simd.h"

namespace hs::cpu::HS_ISA {

// Adding 1.5 * 2^23 to x rounds the fraction away: the low bits of the sum are the integer nearest
// to x.
inline constexpr float kRound = 12582912.0f;

// Nearest integer, ties to even, for |x| < 2^22.
HS_INLINE vf round_even(vf x) { return (x + kRound) - kRound; }

// e^x; infinity above 88.72283, zero below -87.33655 (where results would be denormal).
HS_INLINE vf exp(vf x) {
  // The clamps keep NaN, since comparisons with it are false.
  vf y = x < -87.5f ? set1(-87.5f) : x > 89.0f ? set1(89.0f) : x;
  vf shifted = y * 1.442695041f + kRound;
  vf n = shifted - kRound;
  vf r = y - n * 0.693359375f;  // ln 2 in two parts: the first product is exact
  r = r + n * 2.121944401e-4f;
  // (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2
  vf q = 1.395049156e-3f + vf{};
  q = q * r + 8.368889801e-3f;
  q = q * r + 4.166620597e-2f;
  q = q * r + 1.666651815e-1f;
  q = q * r + 0.5f;
  vf e = (q * (r * r) + r) + 1.0f;
  // Multiplies by 2^n: adds n to the exponent.
  vf result = from_bits(bits(e) + (bits(shifted) << 23));
  result = x > 88.72283f ? set1(__builtin_inff()) : result;
  return x < -87.33655f ? vf{} : result;
}

// e^x for x <= 0, as softmax needs it. It takes fewer instructions than exp, but the relative error
// grows with |x|, up to (2 - 1.5 x) * 2^-24, much like the error that comes from rounding x. x / ln
// 2 is split into n + f; a polynomial whose constant term is 1, so that e^0 is exact, computes 2^f.
// If vectors have 16 lanes, one of them holds a table of 2^(i/16): f is then within a sixteenth,
// and three terms of the polynomial suffice.
HS_INLINE vf exp_nonpositive(vf x) {
  const float log2_e = 1.442695041f;
  const vf y = max(set1(-104.0f), x);  // keeps NaN, and f finite for -infinity
#if HS_LANES == 16 && defined(HS_SCALE_EXPONENT)
  constexpr float kRoundSixteenth = kRound / 16;
  const vf sixteenths = {1.0f,        1.04427373f, 1.09050775f, 1.13878858f,
                         1.18920708f, 1.24185777f, 1.29683959f, 1.35425556f,
                         1.41421354f, 1.47682619f, 1.54221082f, 1.61049032f,
                         1.68179286f, 1.75625217f, 1.8340081f,  1.91520655f};
  const vf shifted = y * log2_e + kRoundSixteenth;
  const vf n = shifted - kRoundSixteenth;
  const vf f = y * log2_e - n;
  const vf power = shuffle(sixteenths, bits(shifted) & (kLanes - 1));
  vf q = 5.550595e-2f + vf{};
  q = q * f + 2.402342856e-1f;
  q = q * f + 6.931471825e-1f;
  return scale_exponent((power * f) * q + power, n);  // by 2 to the integer part (floor) of n
#else
  const vf shifted = y * log2_e + kRound;
  const vf n = shifted - kRound;
  const vf f = y * log2_e - n;
  vf q = 1.535046934e-4f + vf{};
  q = q * f + 1.339890878e-3f;
  q = q * f + 9.618451e-3f;
  q = q * f + 5.550332367e-2f;
  q = q * f + 2.402264774e-1f;
  q = q * f + 6.931471825e-1f;
  const vf e = q * f + 1.0f;
  return x < -87.33655f ? vf{} : from_bits(bits(e) + (bits(shifted) << 23));
#endif
}

// Natural logarithm; -infinity at 0, NaN below. A denormal argument counts as 0.
HS_INLINE vf log(vf x) {
  const vi one = set1_int(0x3f800000), root_half = set1_int(0x3f3504f3);
  // x = 2^e * m with m in [sqrt(1/2), sqrt(2))
  // Unsigned arithmetic, since the sum may overflow for the bits of a NaN.
  vi u =
      reinterpret_cast<vi>(reinterpret_cast<vu>(bits(x)) + reinterpret_cast<vu>(one - root_half));
  vf e = __builtin_convertvector((u >> 23) - 127, vf);
  vf f = from_bits((u & 0x007fffff) + root_half) - 1.0f;
  // (log(1 + f) - f + f^2 / 2) / f^3
  vf p = 6.915540993e-2f + vf{};
  p = p * f + -1.178986728e-1f;
  p = p * f + 1.187292635e-1f;
  p = p * f + -1.238433495e-1f;
  p = p * f + 1.421866417e-1f;
  p = p * f + -1.666925251e-1f;
  p = p * f + 2.000222653e-1f;
  p = p * f + -2.499998659e-1f;
  p = p * f + 3.333331048e-1f;
  vf f2 = f * f;
  vf small = p * (f2 * f) + e * -2.121944401e-4f - 0.5f * f2;
  vf result = e * 0.693359375f + (f + small);
  result = x < 1.17549435e-38f ? set1(-__builtin_inff()) : result;
  result = x < 0.0f ? set1(__builtin_nanf("")) : result;
  return x < __builtin_inff() ? result : x;  // infinity and NaN stay as they are
}

HS_INLINE vf tanh(vf x) {
  vf a = abs(x);
  // (tanh(x) - x) / x^3 in t = x^2, |x| <= 0.625
  vf t = x * x;
  vf p = -5.717043299e-3f + vf{};
  p = p * t + 2.065058611e-2f;
  p = p * t + -5.374349654e-2f;
  p = p * t + 1.333149076e-1f;
  p = p * t + -3.333328366e-1f;
  vf small = p * (t * x) + x;
  vf large = 1.0f - 2.0f / (exp(2.0f * (a > 10.0f ? set1(10.0f) : a)) + 1.0f);
  return a < 0.625f ? small : copy_sign(large, x);
}

HS_INLINE vf erf(vf x) {
  vf a = abs(x);
  // erf(x) / x - 1 in t = x^2, |x| <= 0.96
  vf t = x * x;
  vf p = 8.119054837e-5f + vf{};
  p = p * t + -8.080975385e-4f;
  p = p * t + 5.195372738e-3f;
  p = p * t + -2.685702220e-2f;
  p = p * t + 1.128365099e-1f;
  p = p * t + -3.761263192e-1f;
  p = p * t + 1.283791661e-1f;
  vf small = p * x + x;
  // log(erfc(a)) on 0.95..4; from 3.92 on, erf rounds to 1
  vf c = a > 4.0f ? set1(4.0f) : a;
  vf q = 1.915042230e-4f + vf{};
  q = q * c + -2.999541815e-3f;
  q = q * c + 2.205200121e-2f;
  q = q * c + -1.035668999e-1f;
  q = q * c + -6.376000047e-1f;
  q = q * c + -1.127426147f;
  q = q * c + -2.564436581e-4f;
  return a < 0.96f ? small : copy_sign(1.0f - exp(q), x);
}

// The exact GELU: x * Phi(x), where Phi is the distribution function of the standard normal.
HS_INLINE vf gelu(vf x) {
  vf h = 0.5f * x;
  return h * erf(x * 0.7071067812f) + h;
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_MATH_H
