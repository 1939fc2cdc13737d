// Loops over matrices [rows, columns] in which each column has its own parameters or sums. Short
// rows are joined to *wide* rows, so that vectors are full: a wide row has `width` elements, a
// multiple of `columns`. The parameters of a wide row are those of a row, repeated.
#ifndef HALFSTEP_CPU_KERNELS_COLUMNS_H
#define HALFSTEP_CPU_KERNELS_COLUMNS_H

#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {

// Wide rows have at least this many elements.
inline constexpr int64_t kLeastWidth = 64;

struct Columns {
  int64_t count;  // columns of a row
  int64_t fold;   // rows that make up a wide row
  int64_t width;  // count * fold
};

// Joins short rows until a wide row fills whole vectors.
HS_INLINE Columns join_columns(int64_t count) {
  int64_t fold = 1;
  if (count < kLeastWidth) {
    while ((count * fold) % kLanes != 0) fold *= 2;  // kLanes is a power of two
    fold *= (kLeastWidth + count * fold - 1) / (count * fold);
  }
  return {count, fold, count * fold};
}

// Repeats the parameters of a row over a wide row; if `from` is null, each is `otherwise`.
HS_INLINE void repeat_columns(const Columns& columns, const float* from, float otherwise,
                              float* to) {
  for (int64_t i = 0, c = 0; i < columns.width; i++) {
    to[i] = from != nullptr ? from[c] : otherwise;
    if (++c == columns.count) c = 0;
  }
}

// Adds the sums of a wide row up to those of a row, in place.
HS_INLINE void fold_columns(const Columns& columns, float* sums) {
  for (int64_t i = columns.count; i < columns.width; i += columns.count) {
    for (int64_t c = 0; c < columns.count; c++) sums[c] += sums[i + c];
  }
}

// Calls fn(i, column, lanes) for each vector of `count` elements, the first of which begins a wide
// row; i is the index of the element, column its place in the wide row. `lanes` of full vectors is
// `Lanes`.
template <class Lanes = AllLanes, class Fn>
HS_INLINE void for_columns(const Columns& columns, int64_t count, const Fn& fn) {
  for (int64_t row = 0; row < count; row += columns.width) {
    const int64_t rest = count - row < columns.width ? count - row : columns.width;
    for_vectors<Lanes>(0, rest,
                       [&](int64_t column, auto lanes) { fn(row + column, column, lanes); });
  }
  fence(Lanes{});
}

// Whether StreamLanes can store every vector of the `count` elements from p on.
template <class T>
HS_INLINE bool can_stream(const Columns& columns, const T* p, int64_t count) {
  return columns.width % kLanes == 0 && can_stream(p, count);
}

// Computes two sums for each column over `rows` wide rows: fn(i, parameter, lanes, first, second)
// adds the terms of the vector at element i. Registers hold the sums of a few vectors of columns
// over a few rows, so that memory is read in order.
template <int kVectors, class Fn>
HS_INLINE void sum_block(const Columns& columns, int64_t begin, int64_t rows, int64_t column,
                         const float* parameters, float* firsts, float* seconds, auto lanes,
                         const Fn& fn) {
  vf parameter[kVectors], first[kVectors] = {}, second[kVectors] = {};
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; v++) parameter[v] = load(parameters + column + v * kLanes, lanes);
  for (int64_t i = begin; i < begin + rows * columns.width; i += columns.width) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v++) {
      fn(i + column + v * kLanes, parameter[v], lanes, first[v], second[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; v++) {
    const int64_t at = column + v * kLanes;
    store(firsts + at, load(firsts + at, lanes) + first[v], lanes);
    store(seconds + at, load(seconds + at, lanes) + second[v], lanes);
  }
}

// Computes two sums, F32 [width] each, over `count` elements, the first of which begins a wide row.
template <class Fn>
HS_INLINE void column_sums(const Columns& columns, int64_t count, const float* parameters,
                           float* firsts, float* seconds, const Fn& fn) {
  constexpr int64_t kRows = 16;
  constexpr int kVectors = 4;
  __builtin_memset(firsts, 0, static_cast<uint64_t>(columns.width) * sizeof(float));
  __builtin_memset(seconds, 0, static_cast<uint64_t>(columns.width) * sizeof(float));
  const int64_t whole = count / columns.width;
  for (int64_t row = 0; row < whole; row += kRows) {
    const int64_t rows = whole - row < kRows ? whole - row : kRows;
    const int64_t begin = row * columns.width;
    int64_t column = 0;
    for (; column + kVectors * kLanes <= columns.width; column += kVectors * kLanes) {
      sum_block<kVectors>(columns, begin, rows, column, parameters, firsts, seconds, AllLanes{},
                          fn);
    }
    for_vectors(column, columns.width, [&](int64_t at, auto lanes) {
      sum_block<1>(columns, begin, rows, at, parameters, firsts, seconds, lanes, fn);
    });
  }
  const int64_t begin = whole * columns.width;
  for_vectors(0, count - begin, [&](int64_t column, auto lanes) {
    sum_block<1>(columns, begin, 1, column, parameters, firsts, seconds, lanes, fn);
  });
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_COLUMNS_H
