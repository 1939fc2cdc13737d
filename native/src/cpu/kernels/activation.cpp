// Activations and their gradients, element by element. Bound by memory if the arrays are large:
// forward moves 8 bytes per F32 element, backward 12. GELU's erf and exp take about 40 instructions
// per vector: less time than reading from memory, more than reading from the second-level cache.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpan = 16 << 10;
constexpr float kInverseSqrt2 = 0.70710678f, kInverseSqrt2Pi = 0.39894228f;

HS_INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + exp(-x)); }

// d/dx x Phi(x) = Phi(x) + x phi(x), where phi is the density of the normal distribution.
HS_INLINE vf gelu_gradient(vf x) {
  const vf phi = kInverseSqrt2Pi * exp_nonpositive(-0.5f * (x * x));
  return 0.5f * erf(x * kInverseSqrt2) + 0.5f + x * phi;
}

template <hs_activation kind>
HS_INLINE vf forward(vf x) {
  switch (kind) {
    case HS_RELU:
      return x < 0.0f ? vf{} : x;  // NaN stays NaN
    case HS_GELU:
      return gelu(x);
    case HS_SIGMOID:
      return sigmoid(x);
    case HS_TANH:
      return tanh(x);
    case HS_ABS:
      return abs(x);
    case HS_SQRT:
      return sqrt(x);
    case HS_EXP:
      return exp(x);
    case HS_LOG:
      return log(x);
    default:
      return x;
  }
}

template <hs_activation kind>
HS_INLINE vf backward(vf dy, vf saved) {
  switch (kind) {
    case HS_RELU:
      return saved > 0.0f ? dy : vf{};
    case HS_GELU:
      return dy * gelu_gradient(saved);
    case HS_SIGMOID:
      return dy * (saved * (1.0f - saved));
    case HS_TANH:
      return dy * (1.0f - saved * saved);
    case HS_ABS:
      return saved > 0.0f ? dy : saved < 0.0f ? -dy : vf{};
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

template <hs_activation kind, class T>
void run_forward(const ActivationForwardArgs& args) {
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  for_spans(args.count, kSpan, 2 * sizeof(T) * kNsPerByte, [=](int64_t begin, int64_t end) {
    for_vectors(begin, end, [=](int64_t i, auto lanes) {
      store(y + i, forward<kind>(load(x + i, lanes)), lanes);
    });
  });
}

template <hs_activation kind, class T>
void run_backward(const ActivationBackwardArgs& args) {
  const T* dy = static_cast<const T*>(args.dy);
  const T* saved = static_cast<const T*>(args.saved);
  T* dx = static_cast<T*>(args.dx);
  for_spans(args.count, kSpan, 3 * sizeof(T) * kNsPerByte, [=](int64_t begin, int64_t end) {
    for_vectors(begin, end, [=](int64_t i, auto lanes) {
      store(dx + i, backward<kind>(load(dy + i, lanes), load(saved + i, lanes)), lanes);
    });
  });
}

// Calls fn with the activation as a compile-time Constant.
template <class Fn>
HS_INLINE void with_activation(hs_activation kind, const Fn& fn) {
  switch (kind) {
    case HS_RELU:
      return fn(Constant<HS_RELU>{});
    case HS_GELU:
      return fn(Constant<HS_GELU>{});
    case HS_SIGMOID:
      return fn(Constant<HS_SIGMOID>{});
    case HS_TANH:
      return fn(Constant<HS_TANH>{});
    case HS_ABS:
      return fn(Constant<HS_ABS>{});
    case HS_SQRT:
      return fn(Constant<HS_SQRT>{});
    case HS_EXP:
      return fn(Constant<HS_EXP>{});
    case HS_LOG:
      return fn(Constant<HS_LOG>{});
    default:
      return fn(Constant<HS_NONE>{});
  }
}

}  // namespace

void activation_forward(const ActivationForwardArgs& args) {
  with_activation(args.activation, [&](auto kind) {
    with_storage(args.type, [&](auto type) {
      run_forward<decltype(kind)::value, typename decltype(type)::type>(args);
    });
  });
}

void activation_backward(const ActivationBackwardArgs& args) {
  with_activation(args.activation, [&](auto kind) {
    with_storage(args.type, [&](auto type) {
      run_backward<decltype(kind)::value, typename decltype(type)::type>(args);
    });
  });
}

}  // namespace hs::cpu::HS_ISA
