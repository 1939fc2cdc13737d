// The formulas for a column and for an element that the two implementations of batch normalisation
// share (batch_norm.cu with two launches, batch_norm_slabs.cu with one).
#ifndef HALFSTEP_CUDA_BATCH_NORM_PARTS_H
#define HALFSTEP_CUDA_BATCH_NORM_PARTS_H

#include <type_traits>

#include "core/kernels.h"
#include "cuda/batch_norm_moments.h"
#include "cuda/columns.h"

namespace hs::cuda {

// 1 / deviation of a column.
HS_DEVICE float invstd_of(const Moments& m, double rows, float eps) {
  return static_cast<float>(1.0 / sqrt(m.squares / rows + eps));
}

// Saves a column's statistics for the backward pass, and updates the running statistics.
HS_DEVICE void save_moments(const BatchNormTrainingArgs& args, std::int64_t c, const Moments& m) {
  double n = static_cast<double>(args.desc.rows), keep = 1.0 - args.desc.momentum;
  args.saved_mean[c] = static_cast<float>(m.mean);
  args.saved_invstd[c] = invstd_of(m, n, args.desc.eps);
  args.running_mean[c] =
      static_cast<float>(keep * args.running_mean[c] + args.desc.momentum * m.mean);
  args.running_variance[c] = static_cast<float>(keep * args.running_variance[c] +
                                                args.desc.momentum * (m.squares / (n - 1)));
}

// The coefficients of a column for normalisation: y = (x - mean) * scale + shift.
struct Scaling {
  float mean, scale, shift;
};

// Normalises the values v in place; if `adds`, adds the residual's values `added`; then applies
// ReLU if `relu`.
template <int kVector>
HS_DEVICE void normalize_values(float (&v)[kVector], const Scaling (&of)[kVector], bool adds,
                                const float (&added)[kVector], bool relu) {
  HS_UNROLL for (int e = 0; e < kVector; ++e) {
    v[e] = (v[e] - of[e].mean) * of[e].scale + of[e].shift;
    if (adds) v[e] += added[e];
    if (relu && v[e] < 0.0f) v[e] = 0.0f;
  }
}

// A thread's part of a row as it is loaded: as 32-bit words if it has 16 bytes, since single 16-bit
// elements take a register each.
template <class T, int kVector>
using Packed =
    std::conditional_t<sizeof(T) * kVector == 16, Vector<std::uint32_t, 4>, Vector<T, kVector>>;

template <class T, int kVector>
HS_DEVICE void unpack(const Packed<T, kVector>& from, float (&to)[kVector]) {
  Vector<T, kVector> v;
  memcpy(&v, &from, sizeof(v));
  HS_UNROLL for (int e = 0; e < kVector; ++e) to[e] = to_float(v.at[e]);
}

// The gradient of ReLU: keeps g where y is positive, and sets it to 0 elsewhere.
template <class T, int kVector>
HS_DEVICE void mask_by_output(float (&g)[kVector], const Packed<T, kVector>& output) {
  float y[kVector];
  unpack<T>(output, y);
  HS_UNROLL for (int e = 0; e < kVector; ++e) g[e] = y[e] > 0.0f ? g[e] : 0.0f;
}

// Stores a thread's part of a row. If `once`, the second-level cache evicts it first, to keep
// inputs that are read again.
template <class T, int kVector>
HS_DEVICE void store_values(T* to, const float (&v)[kVector], bool once) {
  if constexpr (sizeof(T) * kVector == 16) {
    if (once) return store_streaming(to, packed<T, kVector>(v));
  }
  store_elements_whole(to, v);
}

// Sums over a column: of dy, and of dy (x - mean).
struct GradientSums {
  double dy, product;
  HS_DEVICE GradientSums operator+(const GradientSums& o) const {
    return {dy + o.dy, product + o.product};
  }
};

HS_DEVICE void save_gradients(const BatchNormBackwardArgs& args, std::int64_t c,
                              const GradientSums& s) {
  put_gradient(args.d_gamma, c, s.product * args.saved_invstd[c], args.accumulate);
  put_gradient(args.d_beta, c, s.dy, args.accumulate);
}

// The coefficients of a column for the gradient: dx = scale * dy - (slope * (x - mean) + offset).
struct Slope {
  float mean, scale, slope, offset;
};

HS_DEVICE Slope slope_of(float mean, double invstd, double gamma, const GradientSums& sums,
                         double rows) {
  double factor = invstd * gamma;
  return {mean, static_cast<float>(factor),
          static_cast<float>(factor * invstd * invstd * sums.product / rows),
          static_cast<float>(factor * sums.dy / rows)};
}

// Computes and stores dx and d_residual at element `at`. g is dy after the gradient of ReLU, v is
// x. `once` as in store_values.
template <class T, int kVector>
HS_DEVICE void put_differentiated(const BatchNormBackwardArgs& args, std::int64_t at,
                                  const float (&g)[kVector], float (&v)[kVector],
                                  const Slope (&of)[kVector], bool once) {
  if (args.d_residual != nullptr) store_values(static_cast<T*>(args.d_residual) + at, g, once);
  HS_UNROLL for (int e = 0; e < kVector; ++e) {
    v[e] = of[e].scale * g[e] - (of[e].slope * (v[e] - of[e].mean) + of[e].offset);
  }
  store_values(static_cast<T*>(args.dx) + at, v, once);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_BATCH_NORM_PARTS_H
