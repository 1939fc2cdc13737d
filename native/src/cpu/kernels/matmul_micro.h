// The two register kernels of matmul.
//
// outer_tile: rows x vectors of C are sums of outer products: per step of k one row of B is loaded
// as vectors and each element of A is spread over one. 14 rows x 2 vectors on AVX-512 use 28 of
// 32 registers as sums and reach the machine's peak, with A read in place in either layout.
// dot_tile: each element of C is a sum over vectors along k, for A [m, k] and B [n, k]; nothing is
// packed and no lane idles whatever n is, but each sum must be folded at the end.
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_MICRO_H
#define HALFSTEP_CPU_KERNELS_MATMUL_MICRO_H

#include "cpu/simd.h"

namespace hs::cpu::HS_ISA {

// Most rows of a tile with one and with two vectors; with at most kWideRows rows, kWideVectors.
#if defined(__AVX512F__)
inline constexpr int kRows1 = 16, kRows2 = 14, kWideRows = 3, kWideVectors = 8;
inline constexpr int kDotRows = 4, kDotColumns = 6;
#else
inline constexpr int kRows1 = 12, kRows2 = 6, kWideRows = 3, kWideVectors = 4;
inline constexpr int kDotRows = 3, kDotColumns = 4;
#endif

struct OuterTile {
  const float* a;  // op(A)(i, p) = a[i * a_row + p * a_step]
  int64_t a_row, a_step;
  const float* b;  // op(B)(p, j) = b[p * b_step + j]
  int64_t b_step;
  int64_t k;
  float* c;  // C(i, j) = c[i * ldc + j]
  int64_t ldc;
  Mask tail;          // of the last vector
  float alpha, beta;  // beta = 0: C is not read
  const float* bias;  // of the tile's columns, or null
  bool relu;
};

// C = alpha * A * B + beta * C + bias, then ReLU; with kTail the last vector is masked.
template <int kRows, int kVectors, bool kTail>
void outer_tile(const OuterTile& t) {
  const auto load_part = [&t](const float* p, int j) __attribute__((always_inline)) {
    return kTail && j == kVectors - 1 ? load(p + j * kLanes, t.tail) : load(p + j * kLanes);
  };
  vf sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    __builtin_prefetch(t.c + i * t.ldc, 1);
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) sum[i][j] = vf{};
  }
  const float* a = t.a;
  const float* b = t.b;
  const int64_t a_row = t.a_row, a_step = t.a_step, b_step = t.b_step;
  for (int64_t p = t.k; p > 0; --p) {
    vf row[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) row[j] = load_part(b, j);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const vf spread = set1(a[i * a_row]);
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) sum[i][j] = spread * row[j] + sum[i][j];
    }
    a += a_step;
    b += b_step;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    float* c = t.c + i * t.ldc;
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) {
      vf x = sum[i][j] * t.alpha;
      if (t.beta != 0) x = load_part(c, j) * t.beta + x;
      if (t.bias != nullptr) x = x + load_part(t.bias, j);
      if (t.relu) x = max(vf{}, x);  // in this order NaN stays NaN
      if (kTail && j == kVectors - 1) {
        store(c + j * kLanes, x, t.tail);
      } else {
        store(c + j * kLanes, x);
      }
    }
  }
}

// Lane i of the result is the sum over the lanes of v[i], for i < count <= kLanes. Each stage adds
// the two halves of two vectors at once, in an order that is the same for every lane.
HS_INLINE vf fold(vf* v, int count) {
  const vi lane = iota();
#pragma GCC unroll 4
  for (int half = kLanes / 2; half > 0; half /= 2) {
    const vi upper = (lane & half) != 0;  // -1 where the lane belongs to the second vector
#pragma GCC unroll 8
    for (int i = 0; i < half; ++i) {
      if (i + half < count) {
        const vf own = __builtin_shuffle(v[i], v[i + half], lane + (upper & kLanes));
        const vf other = __builtin_shuffle(v[i], v[i + half], (lane ^ half) + (upper & kLanes));
        v[i] = own + other;
      } else if (i < count) {
        v[i] = v[i] + __builtin_shuffle(v[i], lane ^ half);
      }
    }
    count = count < half ? count : half;
  }
  return v[0];
}

// sums[i * kColumns + j] = sum over p < k of a[i * lda + p] * b[j * ldb + p]; `sums` has room for
// whole vectors.
template <int kRows, int kColumns>
void dot_tile(int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* sums) {
  constexpr int kCount = kRows * kColumns;
  vf sum[kCount];
#pragma GCC unroll 32
  for (int i = 0; i < kCount; ++i) sum[i] = vf{};
  const auto step = [&](auto load_at) __attribute__((always_inline)) {
    vf column[kColumns];
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; ++j) column[j] = load_at(b + j * ldb);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const vf row = load_at(a + i * lda);
#pragma GCC unroll 8
      for (int j = 0; j < kColumns; ++j) {
        sum[i * kColumns + j] = row * column[j] + sum[i * kColumns + j];
      }
    }
  };
  int64_t left = k;
  for (; left >= kLanes; left -= kLanes) {
    step([](const float* p) __attribute__((always_inline)) { return load(p); });
    a += kLanes;
    b += kLanes;
  }
  if (left > 0) {
    const Mask tail = first_lanes(left);
    step([tail](const float* p) __attribute__((always_inline)) { return load(p, tail); });
  }
#pragma GCC unroll 8
  for (int first = 0; first < kCount; first += kLanes) {
    const int count = kCount - first < kLanes ? kCount - first : kLanes;
    store(sums + first, fold(sum + first, count));
  }
}

// Writes `sums` where the kernels of one tile shape are chosen by number.
using OuterFn = void (*)(const OuterTile&);
using DotFn = void (*)(int64_t, const float*, int64_t, const float*, int64_t, float*);

// rows in 1..kRows1 for one vector, 1..kRows2 for two, 1..kWideRows for kWideVectors.
OuterFn outer_kernel(int rows, int vectors, bool tail);
// rows in 1..kDotRows, columns in 1..kDotColumns.
DotFn dot_kernel(int rows, int columns);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_MICRO_H
