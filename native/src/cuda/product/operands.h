// The operands of matrix products: matrices in memory, and matrices of a convolution's windows and
// filters, which are never stored as a whole. Elements outside of `rows` and `columns` are zero.
//
// An address is computed in steps, so that loops along a row or a column repeat only one of them:
//   row(r)                  the row r, which may lie beyond the last
//   next(row, r, n)         row(r + n), where row is row(r)
//   column(c, most)         the column c, a multiple of `most`; `most` is `width` (16 bytes, if the
//                           plan allows it) or a part of it
//   run(row, column, count) the address of `most` neighbours in the row, aligned to their size, of
//                           which `count` are valid; if count is 0, it may be any address
// If kInRows, whole rows are contiguous in memory, so that runs may be as wide as their alignment
// allows.
#ifndef HALFSTEP_CUDA_PRODUCT_OPERANDS_H
#define HALFSTEP_CUDA_PRODUCT_OPERANDS_H

#include <type_traits>

#include "cuda/divisor.h"
#include "cuda/platform.h"

namespace hs::cuda {

template <class T>
constexpr int kChunkOf = 16 / sizeof(T);  // elements in 16 bytes

// The number of elements of a run of `width` elements from `first` on that lie before `end`.
HS_DEVICE int valid_of_run(std::int64_t first, std::int64_t end, int width) {
  std::int64_t left = end - first;
  return left <= 0 ? 0 : left < width ? static_cast<int>(left) : width;
}

template <class T>
struct StoredMatrix {
  static constexpr bool kInRows = true;
  using Row = const T*;
  struct Column {
    std::int64_t at;
    int count;
  };
  const T* at;
  std::int64_t ld, rows, columns;
  int width;

  HS_DEVICE StoredMatrix(const T* address, std::int64_t leading, std::int64_t row_count,
                         std::int64_t column_count, int width_of_run)
      : at(address), ld(leading), rows(row_count), columns(column_count), width(width_of_run) {}

  HS_DEVICE Row row(std::int64_t r) const { return at + r * ld; }
  HS_DEVICE Row next(Row before, std::int64_t, int n) const { return before + n * ld; }
  HS_DEVICE Column column(std::int64_t c, int most) const {
    return {c, valid_of_run(c, columns, most)};
  }
  HS_DEVICE const T* run(Row r, const Column& c, int& count) const {
    count = c.count;
    return r + c.at;
  }
};

// One axis of a window that slides over images. For output i, tap j lies at source index (i * step
// + first + j * spacing) / fraction; if that is not an integer or lies outside of the image, the
// tap is padding.
struct WindowAxis {
  int step, first, spacing, extent;
  Divisor fraction;

  HS_DEVICE int of_output(unsigned i) const { return static_cast<int>(i) * step + first; }
  HS_DEVICE int of_tap(unsigned j) const { return static_cast<int>(j) * spacing; }
  HS_DEVICE bool is_inside(int at) const {
    return static_cast<unsigned>(at) < static_cast<unsigned>(extent);
  }
  // Replaces `at`, the sum of of_output and of_tap, by the source index; returns whether there is
  // one.
  HS_DEVICE bool find(int& at) const {
    if (at < 0) return false;
    unsigned rest;
    at = static_cast<int>(fraction.quotient(static_cast<unsigned>(at), rest));
    return rest == 0 && at < extent;
  }
};

struct Window {
  WindowAxis rows, columns;
  int channels;                      // channels of a pixel of the source
  std::int64_t image_size;           // elements of the source, at most 2^31 - 1
  Divisor of_rows, of_columns;       // rows and columns of outputs of an image
  Divisor taps_of_row, of_channels;  // taps in a row of the window; channels of a group
};

// The matrix of windows. A row is an output, numbered in the order [images, rows, columns]; a
// column is an element of its window, in the order [rows of taps, columns of taps, channels of the
// group]. `source` points to the first channel of the group.
template <class T>
struct WindowMatrix {
  static constexpr bool kInRows = false;
  // `at` is the address of the first tap, which may be padding, and y, x are its place in the
  // image. With fractions `at` is the beginning of the image instead.
  struct Row {
    const T* at;
    int y, x;
  };
  struct Column {
    int y, x, at;
    int count;
  };
  const Window& window;
  const T* source;
  std::int64_t rows, columns;
  int width;

  HS_DEVICE WindowMatrix(const Window& w, const T* address, std::int64_t row_count,
                         std::int64_t column_count, int width_of_run)
      : window(w), source(address), rows(row_count), columns(column_count), width(width_of_run) {}

  HS_DEVICE Row next(const Row&, std::int64_t r, int n) const { return row(r + n); }
  HS_DEVICE Row row(std::int64_t r) const {
    unsigned i, j;
    unsigned line = window.of_columns.quotient(static_cast<unsigned>(r), j);
    unsigned image = window.of_rows.quotient(line, i);
    int y = window.rows.of_output(i), x = window.columns.of_output(j);
    const T* at = source + image * window.image_size;
    return {has_fractions() ? at : at + offset(y, x), y, x};
  }
  HS_DEVICE Column column(std::int64_t c, int most) const {
    unsigned b, channel, tap = window.of_channels.quotient(static_cast<unsigned>(c), channel);
    unsigned a = window.taps_of_row.quotient(tap, b);
    int y = window.rows.of_tap(a), x = window.columns.of_tap(b), at = static_cast<int>(channel);
    return {y, x, has_fractions() ? at : at + offset(y, x), valid_of_run(c, columns, most)};
  }
  HS_DEVICE const T* run(const Row& r, const Column& c, int& count) const {
    int y = r.y + c.y, x = r.x + c.x;
    if (!has_fractions()) {
      bool inside = window.rows.is_inside(y) && window.columns.is_inside(x);
      count = inside ? c.count : 0;
      return r.at + c.at;
    }
    count = window.rows.find(y) && window.columns.find(x) ? c.count : 0;
    return r.at + offset(y, x) + c.at;
  }

 private:
  HS_DEVICE bool has_fractions() const {
    return window.rows.fraction.value != 1 || window.columns.fraction.value != 1;
  }
  HS_DEVICE int offset(int y, int x) const {
    return (y * window.columns.extent + x) * window.channels;
  }
};

// Filters [outputs of the group, taps, channels] as a matrix with a row for each (tap, output) and
// a column for each channel.
template <class T>
struct FilterMatrix {
  static constexpr bool kInRows = true;
  using Row = const T*;
  struct Column {
    std::int64_t at;
    int count;
  };
  const T* at;
  const Divisor& outputs;
  std::int64_t taps, rows, columns;
  int width;

  HS_DEVICE FilterMatrix(const T* address, const Divisor& of_outputs, std::int64_t tap_count,
                         std::int64_t row_count, std::int64_t column_count, int width_of_run)
      : at(address),
        outputs(of_outputs),
        taps(tap_count),
        rows(row_count),
        columns(column_count),
        width(width_of_run) {}

  HS_DEVICE Row next(Row, std::int64_t r, int n) const { return row(r + n); }
  HS_DEVICE Row row(std::int64_t r) const {
    unsigned output, tap = outputs.quotient(static_cast<unsigned>(r), output);
    return at + (output * taps + tap) * columns;
  }
  HS_DEVICE Column column(std::int64_t c, int most) const {
    return {c, valid_of_run(c, columns, most)};
  }
  HS_DEVICE const T* run(Row r, const Column& c, int& count) const {
    count = c.count;
    return r + c.at;
  }
};

// As keep() of an address, for a row of windows.
template <class Row>
HS_DEVICE void keep([[maybe_unused]] Row& row) {
#ifndef HS_SIM
  asm volatile("" : "+l"(row.at), "+r"(row.y), "+r"(row.x));
#endif
}

// Row r or, if that lies beyond the last row, the last one. For rows whose values do not matter
// there, but which must be readable.
template <class Operand>
HS_DEVICE typename Operand::Row some_row(const Operand& from, std::int64_t r) {
  return from.row(r < from.rows ? r : from.rows - 1);
}

// The element at (row, column); zero outside of the operand.
template <class Operand>
HS_DEVICE auto element_of(const Operand& from, std::int64_t row, std::int64_t column) {
  int count;
  const auto* found = from.run(from.row(row), from.column(column, 1), count);
  return row < from.rows && count > 0 ? *found : std::remove_cvref_t<decltype(*found)>{};
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_OPERANDS_H
