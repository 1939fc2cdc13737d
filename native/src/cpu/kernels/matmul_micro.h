// The register kernels of matmul.
//
// outer_tile: computes rows x vectors of C as a sum of outer products: for each step of k it loads
// one row of B as vectors and broadcasts each element of A to a vector. Any shape whose sums fill
// most registers reaches the peak if the operands are in L1; 6 rows x 4 vectors needs the fewest
// loads per multiply-add, and was 15-20 % faster than 14 x 2 if operands came from L2 or the
// sibling core was busy. A is read in place, transposed or not. dot_tile: computes each element of
// C as a sum over vectors along k, for A [m, k] and B [n, k]. Nothing is packed, and all lanes are
// used whatever n is, but the lanes of each sum must be added up at the end. thin_row: computes a
// row of C from one or two steps of k and writes it in the order of its addresses: an outer product
// of 100 x 1000 took 10-12 us on one thread, with outer_tile 18 (2026-11-22).
#ifndef HALFSTEP_CPU_KERNELS_MATMUL_MICRO_H
#define HALFSTEP_CPU_KERNELS_MATMUL_MICRO_H

#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {

// The most rows of an outer tile of 1, 2 ... vectors. Wide tiles pay if there are few rows or few
// steps of k.
#if HS_REGISTERS >= 32
inline constexpr int kMaxVectors = 4;
inline constexpr int kMostRows[kMaxVectors + 1] = {0, 16, 14, 8, 6};
inline constexpr int kWideRows = 3, kWideVectors = 8;
inline constexpr int kDotRows = 4, kDotColumns = 6;
#else
inline constexpr int kMaxVectors = 2;
inline constexpr int kMostRows[kMaxVectors + 1] = {0, 12, 6};
inline constexpr int kWideRows = 3, kWideVectors = 4;
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
  Mask tail;          // lanes of the last vector
  float alpha, beta;  // beta = 0: C is not read
  const float* bias;  // bias of the tile's columns, or null
  bool relu;
};

// Turns sums of products into elements of C.
struct Epilogue {
  float alpha = 1, beta = 0;
  const float* bias = nullptr;
  bool relu = false, plain = true;  // plain: C is the sum itself

  Epilogue() = default;
  HS_INLINE explicit Epilogue(const OuterTile& t)
      : alpha(t.alpha),
        beta(t.beta),
        bias(t.bias),
        relu(t.relu),
        plain(t.alpha == 1 && t.beta == 0 && t.bias == nullptr && !t.relu) {}

  // Stores the result for the sums x at `c`; `column` is the vector's first column in the tile.
  template <class Lanes>
  HS_INLINE void operator()(vf x, float* c, int64_t column, Lanes lanes) const {
    if (!plain) {
      x = x * alpha;
      if (beta != 0) x = load(c, lanes) * beta + x;
      if (bias != nullptr) x = x + load(bias + column, lanes);
      if (relu) x = max(vf{}, x);  // in this order NaN stays NaN
    }
    store(c, x, lanes);
  }
};

// C = alpha * A * B + beta * C + bias, then ReLU if asked for; with kTail the last vector is
// masked.
template <int kRows, int kVectors, bool kTail>
void outer_tile(const OuterTile& t) {
  const Mask tail = t.tail;
  const auto load_part = [tail](const float* p, int j) __attribute__((always_inline)) {
    return kTail && j == kVectors - 1 ? load(p + j * kLanes, tail) : load(p + j * kLanes);
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
  const Epilogue epilogue(t);
  float* c = t.c;
  const int64_t ldc = t.ldc;
  const auto store_rows = [&](const Epilogue& f) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) {
        float* const to = c + i * ldc + j * kLanes;
        if (kTail && j == kVectors - 1) {
          f(sum[i][j], to, j * kLanes, tail);
        } else {
          f(sum[i][j], to, j * kLanes, AllLanes{});
        }
      }
    }
  };
  // The plain epilogue has its own code, since for few steps of k most of the time goes into
  // stores.
  if (epilogue.plain) {
    store_rows(Epilogue{});
  } else {
    store_rows(epilogue);
  }
}

// Computes one row of C from few steps of k. It is fast because it writes C in the order of the
// addresses.
HS_INLINE void thin_row(const OuterTile& t, int64_t columns) {
  const Epilogue epilogue(t);
  const float* const a = t.a;
  const float* const b = t.b;
  float* const c = t.c;
  const int64_t a_step = t.a_step, b_step = t.b_step, k = t.k;
  for_vectors(0, columns, [=](int64_t j, auto lanes) {
    vf sum{};
    for (int64_t p = 0; p < k; ++p) sum = a[p * a_step] * load(b + p * b_step + j, lanes) + sum;
    epilogue(sum, c + j, j, lanes);
  });
}

// Vector kIndex of the stage kHalf of the fold of v[kFirst ... kFirst + kCount). The stages go from
// kHalf = kLanes / 2 down to 1; each adds the halves of each vector, and merges two vectors into
// one while there are two. Recursive, so that every index is a constant and the sums stay in
// registers.
template <int kHalf, int kIndex, int kFirst, int kCount, int kAll>
HS_INLINE vf fold_stage(const vf (&v)[kAll]) {
  constexpr int kSlots = kCount > 8 ? 16 : kCount > 4 ? 8 : kCount > 2 ? 4 : kCount > 1 ? 2 : 1;
  if constexpr (kHalf == kLanes) {
    return v[kFirst + kIndex];
  } else {
    constexpr int kSecond = kSlots * kHalf / kLanes;  // distance to the partner vector; 0: none
    const vi lane = iota();
    const vf x = fold_stage<2 * kHalf, kIndex, kFirst, kCount>(v);
    if constexpr (kSecond > 0 && kIndex + kSecond < kCount) {
      const vf y = fold_stage<2 * kHalf, kIndex + kSecond, kFirst, kCount>(v);
      const vi upper = (lane & kHalf) != 0;  // lanes of the result that come from y
      return (upper ? y : x) + shuffle(x, y, (lane ^ kHalf) + (upper & kLanes));
    } else {
      return x + shuffle(x, lane ^ kHalf);
    }
  }
}

// sums[i] = the sum of the lanes of v[i], added in the same order for every i. Writes whole vectors
// of sums.
template <int kFirst = 0, int kAll>
HS_INLINE void fold(const vf (&v)[kAll], float* sums) {
  constexpr int kCount = kAll - kFirst < kLanes ? kAll - kFirst : kLanes;
  constexpr int kSlots = kCount > 8 ? 16 : kCount > 4 ? 8 : kCount > 2 ? 4 : kCount > 1 ? 2 : 1;
  vf x = fold_stage<1, 0, kFirst, kCount>(v);
  if constexpr (kSlots < kLanes) x = shuffle(x, iota() * (kLanes / kSlots));
  store(sums + kFirst, x);
  if constexpr (kFirst + kCount < kAll) fold<kFirst + kCount>(v, sums);
}

// sums[i * kColumns + j] = sum over p < k of a[i * lda + p] * b[j * ldb + p]; `sums` has room for
// whole vectors.
template <int kRows, int kColumns>
void dot_tile(int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* sums) {
  constexpr int kCount = kRows * kColumns;
  vf sum[kCount];
  // The partial vector comes first, so that the sums stay in registers from the loop to the fold.
  const int64_t part = k == 0 ? 0 : (k - 1) % kLanes + 1;
  const Mask lanes = first_lanes(part);
  vf column[kColumns];
#pragma GCC unroll 8
  for (int j = 0; j < kColumns; ++j) column[j] = load(b + j * ldb, lanes);
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    const vf row = load(a + i * lda, lanes);
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; ++j) sum[i * kColumns + j] = row * column[j];
  }
  a += part;
  b += part;
  for (int64_t left = k - part; left > 0; left -= kLanes) {
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; ++j) column[j] = load(b + j * ldb);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const vf row = load(a + i * lda);
#pragma GCC unroll 8
      for (int j = 0; j < kColumns; ++j) {
        sum[i * kColumns + j] = row * column[j] + sum[i * kColumns + j];
      }
    }
    a += kLanes;
    b += kLanes;
  }
  fold(sum, sums);
}

using OuterFn = void (*)(const OuterTile&);
using DotFn = void (*)(int64_t, const float*, int64_t, const float*, int64_t, float*);

// The outer_tile for rows in 1..kMostRows[vectors], or 1..kWideRows for kWideVectors (without a
// tail).
OuterFn outer_kernel(int rows, int vectors, bool tail);
// The dot_tile for rows in 1..kDotRows, columns in 1..kDotColumns.
DotFn dot_kernel(int rows, int columns);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_MATMUL_MICRO_H
