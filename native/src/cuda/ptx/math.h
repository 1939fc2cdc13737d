// Functions for which the hardware has approximate instructions.
#ifndef HALFSTEP_CUDA_PTX_MATH_H
#define HALFSTEP_CUDA_PTX_MATH_H

#include "cuda/platform.h"

namespace hs::cuda {

// e^x as 2^(x log2 e), with a relative error of about 2^-22 + |x| 2^-24; results below 2^-126 are
// 0.
HS_DEVICE float exp_approx(float x) {
  float scaled = x * 1.44269504f;
#ifdef HS_SIM
  return scaled < -126.0f ? 0.0f : exp2f(scaled);
#else
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(scaled));
  return result;
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_MATH_H
