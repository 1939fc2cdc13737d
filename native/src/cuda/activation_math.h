// Activations and their derivatives, one element at a time.
#ifndef HALFSTEP_CUDA_ACTIVATION_MATH_H
#define HALFSTEP_CUDA_ACTIVATION_MATH_H

#include "cuda/platform.h"
#include "halfstep.h"

namespace hs::cuda {

// `kind` is the same for all threads, so the switch causes no divergence.
HS_DEVICE float activate(hs_activation kind, float x) {
  switch (kind) {
    case HS_RELU:
      return x < 0.0f ? 0.0f : x;  // NaN stays NaN
    case HS_GELU:
      return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case HS_SIGMOID:
      return 1.0f / (1.0f + expf(-x));
    case HS_TANH:
      return tanhf(x);
    default:
      return x;
  }
}

// As activate, but also computes the activations that only run as kernels of their own. Products
// and convolutions do not fuse these, so they call activate, which has fewer instructions.
HS_DEVICE float apply_function(hs_activation kind, float x) {
  switch (kind) {
    case HS_ABS:
      return fabsf(x);
    case HS_SQRT:
      return sqrtf(x);
    case HS_EXP:
      return expf(x);
    case HS_LOG:
      return logf(x);
    default:
      return activate(kind, x);
  }
}

// dy times the derivative, computed from `saved`: x or y, as hs_activation_backward says.
HS_DEVICE float activate_backward(hs_activation kind, float dy, float saved) {
  switch (kind) {
    case HS_RELU:
      return saved > 0.0f ? dy : 0.0f;
    case HS_GELU: {
      float density = 0.39894228f * expf(-0.5f * saved * saved);
      return dy * (0.5f * (1.0f + erff(saved * 0.70710678f)) + saved * density);
    }
    case HS_SIGMOID:
      return dy * saved * (1.0f - saved);
    case HS_TANH:
      return dy * (1.0f - saved * saved);
    case HS_ABS:
      return saved > 0.0f ? dy : saved < 0.0f ? -dy : 0.0f;
    case HS_SQRT:
      return dy / (saved + saved);
    case HS_EXP:
      return dy * saved;
    case HS_LOG:
      return dy / saved;
    default:
      return dy;
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_ACTIVATION_MATH_H
