// What matrix products read: matrices as they lie in memory, and those that a convolution makes of
// images and filters, which are never in memory as a whole. Each has `rows` and `columns`, beyond
// which it is zero, element(row, column), and run(row, column, most, count) at columns that `most`
// divides: the address of `most` neighbours in a row, aligned to their size, of which `count` are
// valid. `most` is `width` (16 bytes, if rows begin at multiples of 16) or a part of it.
#ifndef HALFSTEP_CUDA_OPERANDS_H
#define HALFSTEP_CUDA_OPERANDS_H

#include "cuda/divisor.h"
#include "cuda/platform.h"

namespace hs::cuda {

template <class T>
constexpr int kChunkOf = 16 / sizeof(T);  // elements

// The most elements, 16 bytes or less, whose size divides address and strides (joined by |).
template <class T>
HS_DEVICE int width_of_run(const T* address, std::int64_t strides) {
  auto bits =
      reinterpret_cast<std::uintptr_t>(address) / sizeof(T) | static_cast<std::uintptr_t>(strides);
  int width = kChunkOf<T>;
  HS_UNROLL for (int w = kChunkOf<T>; w > 1; w /= 2) {
    if (bits % static_cast<unsigned>(w) != 0) width = w / 2;
  }
  return width;
}

// How many elements of a run that begins at `first` lie before `end`.
HS_DEVICE int valid_of_run(std::int64_t first, std::int64_t end, int width) {
  std::int64_t left = end - first;
  return left <= 0 ? 0 : left < width ? static_cast<int>(left) : width;
}

template <class T>
struct StoredMatrix {
  const T* at;
  std::int64_t ld, rows, columns;
  int width;

  HS_DEVICE StoredMatrix(const T* address, std::int64_t leading, std::int64_t row_count,
                         std::int64_t column_count)
      : at(address),
        ld(leading),
        rows(row_count),
        columns(column_count),
        width(width_of_run(address, leading)) {}

  HS_DEVICE const T* run(std::int64_t row, std::int64_t column, int most, int& count) const {
    count = row < rows ? valid_of_run(column, columns, most) : 0;
    return count > 0 ? at + row * ld + column : at;
  }
  HS_DEVICE T element(std::int64_t row, std::int64_t column) const {
    return row < rows && column < columns ? at[row * ld + column] : T{};
  }
};

// One axis of a window that slides over images. For output i, tap j lies at source index (i * step +
// first + j * spacing) / fraction; where that leaves a rest or the image, it is padding.
struct WindowAxis {
  int step, first, spacing, extent;
  Divisor fraction;

  HS_DEVICE bool find(unsigned output, unsigned tap, int& source) const {
    int at = static_cast<int>(output) * step + first + static_cast<int>(tap) * spacing;
    if (at < 0) return false;
    unsigned rest;
    source = static_cast<int>(fraction.quotient(static_cast<unsigned>(at), rest));
    return rest == 0 && source < extent;
  }
};

struct Window {
  WindowAxis rows, columns;
  std::int64_t channels;             // of a pixel of the source
  Divisor of_rows, of_columns;       // outputs of an image
  Divisor taps_of_row, of_channels;  // taps in a row of the window; channels of a group
};

// Row: an output, in the order [images, rows, columns]. Column: what it sees, in the order [rows of
// taps, columns of taps, channels of the group]. `source` is the first channel of the group.
template <class T>
struct WindowMatrix {
  const Window& window;
  const T* source;
  std::int64_t rows, columns;
  int width;

  HS_DEVICE WindowMatrix(const Window& w, const T* address, std::int64_t row_count,
                         std::int64_t column_count)
      : window(w),
        source(address),
        rows(row_count),
        columns(column_count),
        width(width_of_run(address, w.channels | w.of_channels.value)) {}

  HS_DEVICE bool find(std::int64_t row, std::int64_t column, std::int64_t& at) const {
    unsigned i, j, b, channel;
    unsigned line = window.of_columns.quotient(static_cast<unsigned>(row), j);
    unsigned image = window.of_rows.quotient(line, i);
    unsigned tap = window.of_channels.quotient(static_cast<unsigned>(column), channel);
    unsigned a = window.taps_of_row.quotient(tap, b);
    int y, x;
    if (!window.rows.find(i, a, y) || !window.columns.find(j, b, x)) return false;
    at = ((std::int64_t{image} * window.rows.extent + y) * window.columns.extent + x) *
             window.channels +
         channel;
    return true;
  }
  HS_DEVICE const T* run(std::int64_t row, std::int64_t column, int most, int& count) const {
    count = row < rows ? valid_of_run(column, columns, most) : 0;
    std::int64_t at = 0;
    if (count > 0 && !find(row, column, at)) count = 0;
    return source + (count > 0 ? at : 0);
  }
  HS_DEVICE T element(std::int64_t row, std::int64_t column) const {
    std::int64_t at;
    return row < rows && column < columns && find(row, column, at) ? source[at] : T{};
  }
};

// Filters [outputs of the group, taps, channels] as a matrix whose row is (tap, output) and whose
// column is a channel.
template <class T>
struct FilterMatrix {
  const T* at;
  const Divisor& outputs;
  std::int64_t taps, rows, columns;
  int width;

  HS_DEVICE FilterMatrix(const T* address, const Divisor& of_outputs, std::int64_t tap_count,
                         std::int64_t row_count, std::int64_t column_count)
      : at(address),
        outputs(of_outputs),
        taps(tap_count),
        rows(row_count),
        columns(column_count),
        width(width_of_run(address, column_count)) {}

  HS_DEVICE const T* row_at(std::int64_t row) const {
    unsigned output, tap = outputs.quotient(static_cast<unsigned>(row), output);
    return at + (output * taps + tap) * columns;
  }
  HS_DEVICE const T* run(std::int64_t row, std::int64_t column, int most, int& count) const {
    count = row < rows ? valid_of_run(column, columns, most) : 0;
    return count > 0 ? row_at(row) + column : at;
  }
  HS_DEVICE T element(std::int64_t row, std::int64_t column) const {
    return row < rows && column < columns ? row_at(row)[column] : T{};
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_OPERANDS_H
