// Means and variances in one pass: sums around a value of the thread's own, merged in double by the
// rule of Chan, Golub and LeVeque (1979).
#ifndef HALFSTEP_CUDA_MOMENTS_H
#define HALFSTEP_CUDA_MOMENTS_H

#include "cuda/platform.h"

namespace hs::cuda {

// Of `count` values: their mean, and the sum of the squares of their distances from it.
struct Moments {
  double count, mean, squares;
};

struct MergeMoments {
  HS_DEVICE static Moments identity() { return {0, 0, 0}; }
  // Commutes bit by bit.
  HS_DEVICE Moments operator()(const Moments& a, const Moments& b) const {
    double count = a.count + b.count;
    if (count == 0) return a;
    double distance = b.mean - a.mean;
    return {count, (a.count * a.mean + b.count * b.mean) / count,
            a.squares + b.squares + distance * distance * (a.count * b.count / count)};
  }
};

// One thread's values; the first is the pivot, so that a mean that is large beside the deviation
// costs nothing.
struct PivotSums {
  float pivot = 0, sum = 0, squares = 0;
  int count = 0;

  HS_DEVICE void add(float x) {
    if (count == 0) pivot = x;
    ++count;
    float distance = x - pivot;
    sum += distance;
    squares += distance * distance;
  }
  HS_DEVICE Moments moments() const {
    if (count == 0) return MergeMoments::identity();
    double n = count, offset = static_cast<double>(sum) / n;
    double rest = static_cast<double>(squares) - offset * static_cast<double>(sum);
    return {n, static_cast<double>(pivot) + offset, rest > 0 ? rest : rest == rest ? 0 : rest};
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_MOMENTS_H
