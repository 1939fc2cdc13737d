// The storage types and their conversions to and from float; the latter round to nearest, ties to
// even.
#ifndef HALFSTEP_CUDA_PTX_CONVERT_H
#define HALFSTEP_CUDA_PTX_CONVERT_H

#include <type_traits>

#include "cuda/platform.h"
#include "numerics/conversions.h"

namespace hs::cuda {

struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};

HS_DEVICE float to_float(float x) { return x; }
HS_DEVICE float to_float(Bf16 x) { return float_from_bf16(x.bits); }
HS_DEVICE float to_float(F16 x) {
#ifdef HS_SIM
  return float_from_f16(x.bits);
#else
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(x.bits));
  return result;
#endif
}
HS_DEVICE float to_float(std::uint8_t x) { return static_cast<float>(x); }
HS_DEVICE float to_float(std::int32_t x) { return static_cast<float>(x); }

template <class To>
HS_DEVICE To from_float(float x);

template <>
HS_DEVICE float from_float<float>(float x) {
  return x;
}

template <>
HS_DEVICE Bf16 from_float<Bf16>(float x) {
#ifdef HS_SIM
  return {bf16_from_float(x)};
#else
  Bf16 result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
  return result;
#endif
}

template <>
HS_DEVICE F16 from_float<F16>(float x) {
#ifdef HS_SIM
  return {f16_from_float(x)};
#else
  F16 result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
  return result;
#endif
}

// Converts two neighbours to one word, the first in the low half. This takes one instruction, and
// the compiler stores the word at once, where it might store two 16-bit elements one by one.
template <class To>
HS_DEVICE std::uint32_t pack_pair(float first, float second) {
  static_assert(sizeof(To) == 2);
#ifdef HS_SIM
  return from_float<To>(first).bits | std::uint32_t{from_float<To>(second).bits} << 16;
#else
  std::uint32_t result;
  if constexpr (std::is_same_v<To, Bf16>) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(second), "f"(first));
  } else {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(second), "f"(first));
  }
  return result;
#endif
}

// Rounds the bits of a float to an operand of mma_m16n8k8_tf32: to nearest, ties away from zero.
HS_DEVICE std::uint32_t round_to_tf32(std::uint32_t x) {
#ifdef HS_SIM
  return float_bits(tf32_from_float(float_from_bits(x)));
#else
  std::uint32_t result;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result) : "f"(float_from_bits(x)));
  return result;
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_CONVERT_H
