// Means and variances in one pass. Each thread sums distances from one of its own values, its
// pivot, in FP32, so that a mean that is large compared with the deviation costs no precision. The
// sums are then converted, in double, to a pivot that all threads of a column share, after which
// they can be merged by addition.
//
// The shared pivot is one of the column's n values, so its distance from the mean is at most
// sqrt(n) deviations, and the variance loses at most about n roundings of a double.
#ifndef HALFSTEP_CUDA_BATCH_NORM_MOMENTS_H
#define HALFSTEP_CUDA_BATCH_NORM_MOMENTS_H

#include "cuda/platform.h"

namespace hs::cuda {

// Sums over some values: of their distances from a pivot, and of the squares of the distances.
struct DistanceSums {
  double distance, square;
  HS_DEVICE DistanceSums operator+(const DistanceSums& o) const {
    return {distance + o.distance, square + o.square};
  }
};

// The mean, and the sum of the squared distances from it.
struct Moments {
  double mean, squares;
};

HS_DEVICE Moments moments_of(const DistanceSums& sums, double pivot, double count) {
  double offset = sums.distance / count;
  double rest = sums.square - offset * sums.distance;
  return {pivot + offset, rest < 0 ? 0 : rest};  // NaN stays NaN
}

// One thread's sums for neighbouring columns; its first row gives the pivots.
template <int kColumns>
struct PivotSums {
  float pivot[kColumns] = {}, sum[kColumns] = {}, squares[kColumns] = {};
  int count = 0;  // number of rows

  HS_DEVICE void add(const float (&x)[kColumns]) {
    if (count == 0) {
      HS_UNROLL for (int e = 0; e < kColumns; ++e) pivot[e] = x[e];
    }
    ++count;
    HS_UNROLL for (int e = 0; e < kColumns; ++e) {
      float distance = x[e] - pivot[e];
      sum[e] += distance;
      squares[e] += distance * distance;
    }
  }
  HS_DEVICE DistanceSums around(int column, float other) const {
    if (count == 0) return {0, 0};
    double moved = static_cast<double>(pivot[column]) - static_cast<double>(other);
    double all = count * moved;
    return {sum[column] + all,
            squares[column] + moved * (2 * static_cast<double>(sum[column]) + all)};
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_BATCH_NORM_MOMENTS_H
