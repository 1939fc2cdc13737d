// What matrix products read: matrices as they lie in memory, and those that a convolution makes of
// images and filters, which are never in memory as a whole. They are zero beyond `rows` and
// `columns`. A place is found in steps, so that loops along a row or a column do but one of them:
// row(r), which may be beyond the last, column(c, most), where `most` divides c, and run(row, column,
// count): the address of `most` neighbours in the row, aligned to their size, of which `count` are
// valid; with 0 it may be any address. `most` is `width` (16 bytes, if the plan says so) or a part of
// it. next(row, r, n) is row(r + n), where row is row(r). If kInRows, rows are in memory,
// so that a run of any width is as good as its alignment.
#ifndef HALFSTEP_CUDA_PRODUCT_OPERANDS_H
#define HALFSTEP_CUDA_PRODUCT_OPERANDS_H

#include <type_traits>

#include "cuda/divisor.h"
#include "cuda/platform.h"

namespace hs::cuda {

template <class T>
constexpr int kChunkOf = 16 / sizeof(T);  // elements

// How many elements of a run that begins at `first` lie before `end`.
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

// One axis of a window that slides over images. For output i, tap j lies at source index (i * step +
// first + j * spacing) / fraction; where that leaves a rest or the image, it is padding.
struct WindowAxis {
  int step, first, spacing, extent;
  Divisor fraction;

  HS_DEVICE int of_output(unsigned i) const { return static_cast<int>(i) * step + first; }
  HS_DEVICE int of_tap(unsigned j) const { return static_cast<int>(j) * spacing; }
  HS_DEVICE bool is_inside(int at) const {
    return static_cast<unsigned>(at) < static_cast<unsigned>(extent);
  }
  // From the sum of the two to the source index; whether there is one.
  HS_DEVICE bool find(int& at) const {
    if (at < 0) return false;
    unsigned rest;
    at = static_cast<int>(fraction.quotient(static_cast<unsigned>(at), rest));
    return rest == 0 && at < extent;
  }
};

struct Window {
  WindowAxis rows, columns;
  int channels;                      // of a pixel of the source
  std::int64_t image_size;           // elements of the source, at most 2^31 - 1
  Divisor of_rows, of_columns;       // outputs of an image
  Divisor taps_of_row, of_channels;  // taps in a row of the window; channels of a group
};

// Row: an output, in the order [images, rows, columns]. Column: what it sees, in the order [rows of
// taps, columns of taps, channels of the group]. `source` is the first channel of the group.
template <class T>
struct WindowMatrix {
  static constexpr bool kInRows = false;
  // The element at the first tap, which may be padding, and its place in the image; strides that
  // are fractions begin at the image instead.
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

// Filters [outputs of the group, taps, channels] as a matrix whose row is (tap, output) and whose
// column is a channel.
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

// A row of windows stays where it was found.
template <class Row>
HS_DEVICE void keep([[maybe_unused]] Row& row) {
#ifndef HS_SIM
  asm volatile("" : "+l"(row.at), "+r"(row.y), "+r"(row.x));
#endif
}

// A row that can be read, for one whose values do not matter where it is beyond the last.
template <class Operand>
HS_DEVICE typename Operand::Row some_row(const Operand& from, std::int64_t r) {
  return from.row(r < from.rows ? r : from.rows - 1);
}

// One element, wherever it is.
template <class Operand>
HS_DEVICE auto element_of(const Operand& from, std::int64_t row, std::int64_t column) {
  int count;
  const auto* found = from.run(from.row(row), from.column(column, 1), count);
  return row < from.rows && count > 0 ? *found : std::remove_cvref_t<decltype(*found)>{};
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_OPERANDS_H
