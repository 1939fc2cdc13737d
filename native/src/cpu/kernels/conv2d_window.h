// A window that slides over NHWC images, and functions that copy the elements under it: these are
// the rows of the matrix that a convolution multiplies by the weights. That matrix is never stored
// whole; each tile copies its own part.
#ifndef HALFSTEP_CPU_KERNELS_CONV2D_WINDOW_H
#define HALFSTEP_CPU_KERNELS_CONV2D_WINDOW_H

#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {

// One axis of the window. For output i, tap j is at source index i * step + first + j * spacing; an
// index outside of [0, extent) is padding. Output i is stored at index out_first + i * out_step of
// the destination; the weight of tap j is at index tap_first + j * tap_step of the weights.
struct Axis {
  int64_t extent, outputs, taps;
  int64_t step, first, spacing;
  int64_t out_first, out_step, out_extent;
  int64_t tap_first, tap_step;

  int64_t source(int64_t output) const { return output * step + first; }
};

// The taps [begin, end) of a window that begins at source index `at` which lie inside the source.
struct Inside {
  int64_t begin, end;
};
HS_INLINE Inside inside(const Axis& axis, int64_t at) {
  Inside taps{0, axis.taps};
  if (at < 0) taps.begin = (-at + axis.spacing - 1) / axis.spacing;
  if (at + (axis.taps - 1) * axis.spacing >= axis.extent) {
    taps.end = at >= axis.extent ? 0 : (axis.extent - at + axis.spacing - 1) / axis.spacing;
  }
  if (taps.begin > taps.end) taps.begin = taps.end;
  return taps;
}

struct Window {
  int64_t images;
  Axis rows, columns;
  int64_t channels;  // channels of a pixel of the source
  int64_t group;     // channels of a pixel that belong to one group

  int64_t pixels() const { return images * rows.outputs * columns.outputs; }
  int64_t depth() const { return rows.taps * columns.taps * group; }
  // Whether the taps of a row are contiguous in memory.
  bool joined() const { return columns.spacing == 1 && group == channels; }
  // Whether the matrix is the source itself.
  bool identity() const {
    return rows.taps == 1 && columns.taps == 1 && rows.step == 1 && columns.step == 1 &&
           rows.first == 0 && columns.first == 0 && rows.outputs == rows.extent &&
           columns.outputs == columns.extent;
  }
};

// An output and the beginning of its window.
struct Pixel {
  int64_t image, row, column;
  int64_t top, left;  // source row and column at which the window begins
  int64_t at;         // their offset in elements; may lie before the image if it is padding
  bool whole;         // no part of the window is padding
};

inline constexpr int64_t kMaxPixels = 128;  // the most pixels that are gathered together

// Fills in the pixels [begin, begin + count), numbered in the order [images, rows.outputs,
// columns.outputs].
HS_INLINE void locate(const Window& w, int64_t begin, int64_t count, Pixel* pixels) {
  int64_t image = begin / w.columns.outputs / w.rows.outputs;
  int64_t row = begin / w.columns.outputs % w.rows.outputs;
  int64_t column = begin % w.columns.outputs;
  const int64_t height = w.rows.extent - (w.rows.taps - 1) * w.rows.spacing;
  const int64_t width = w.columns.extent - (w.columns.taps - 1) * w.columns.spacing;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t top = w.rows.source(row), left = w.columns.source(column);
    const int64_t at = ((image * w.rows.extent + top) * w.columns.extent + left) * w.channels;
    const bool whole = top >= 0 && top < height && left >= 0 && left < width;
    pixels[i] = {image, row, column, top, left, at, whole};
    if (++column < w.columns.outputs) continue;
    column = 0;
    if (++row < w.rows.outputs) continue;
    row = 0;
    ++image;
  }
}

HS_INLINE void zero(float* dst, int64_t count) {
  for_vectors(0, count, [&](int64_t i, auto lanes) { store(dst + i, vf{}, lanes); });
}

// dst[i * row + d - begin] = element d of the window of pixel i, for d in [begin, end), numbered in
// the order [rows.taps, columns.taps, group]; `source` points to the first channel of the group.
template <class T>
HS_INLINE void gather_rows(const Window& w, const T* source, const Pixel* pixels, int64_t count,
                           int64_t begin, int64_t end, int64_t row, float* dst) {
  if (begin == end) return;
  const bool joined = w.joined();
  const int64_t run = joined ? w.columns.taps * w.channels : w.group;  // contiguous elements
  const int64_t line = w.columns.extent * w.channels;
  for (int64_t r = begin / run; r * run < end; ++r) {
    const int64_t down = joined ? r : r / w.columns.taps;
    const int64_t across = joined ? 0 : r % w.columns.taps;
    const int64_t low = begin > r * run ? begin - r * run : 0;
    const int64_t high = end < (r + 1) * run ? end - r * run : run;
    const int64_t vectors = (high - low) / kLanes * kLanes;
    const Mask rest = first_lanes(high - low - vectors);
    const T* tap = source + down * w.rows.spacing * line + across * w.columns.spacing * w.channels;
    float* to = dst + r * run - begin;
    for (int64_t i = 0; i < count; ++i, to += row) {
      const T* piece = tap + pixels[i].at;
      int64_t from = low, until = high;  // the part of the run inside the image
      if (!pixels[i].whole) {
        const int64_t y = pixels[i].top + down * w.rows.spacing;
        const int64_t x = pixels[i].left + across * w.columns.spacing;
        if (y < 0 || y >= w.rows.extent) {
          until = low;
        } else if (joined) {
          const int64_t left = -x * w.channels, right = line - x * w.channels;
          from = left > low ? (left < high ? left : high) : low;
          until = right < high ? (right > from ? right : from) : high;
        } else if (x < 0 || x >= w.columns.extent) {
          until = low;
        }
      }
      if (until - from == high - low) {
        for (int64_t e = low; e < low + vectors; e += kLanes) store(to + e, load(piece + e));
        if (rest.count > 0) store(to + low + vectors, load(piece + low + vectors, rest), rest);
        continue;
      }
      zero(to + low, from - low);
      for_vectors(from, until,
                  [&](int64_t e, auto lanes) { store(to + e, load(piece + e, lanes), lanes); });
      zero(to + until, high - until);
    }
  }
}

// As gather_rows, but transposed, for images of one channel: dst[(d - begin) * row + i]. With few
// taps this copies longer contiguous runs, since neighbouring pixels are neighbours in dst.
template <class T>
HS_INLINE void gather_planes(const Window& w, const T* source, const Pixel* pixels, int64_t count,
                             int64_t begin, int64_t end, int64_t row, float* dst) {
  int64_t run = 0;  // pixels in the same row
  for (int64_t i = 0; i < count; i += run) {
    const int64_t left = w.columns.outputs - pixels[i].column;
    run = left < count - i ? left : count - i;
    for (int64_t d = begin; d < end; ++d) {
      const int64_t down = d / w.columns.taps, across = d % w.columns.taps;
      float* to = dst + (d - begin) * row + i;
      const int64_t y = pixels[i].top + down * w.rows.spacing;
      if (y < 0 || y >= w.rows.extent) {
        zero(to, run);
        continue;
      }
      const T* line = source + (pixels[i].image * w.rows.extent + y) * w.columns.extent;
      const int64_t x = pixels[i].left + across * w.columns.spacing;
      int64_t at = 0;
      while (at < run && x + at * w.columns.step < 0) to[at++] = 0;
      if (w.columns.step == 1) {
        const int64_t in_image = w.columns.extent - x;
        const int64_t until = in_image < run ? (in_image > at ? in_image : at) : run;
        for_vectors(at, until, [&](int64_t e, auto lanes) {
          store(to + e, load(line + x + e, lanes), lanes);
        });
        at = until;
      }
      for (; at < run; ++at) {
        const int64_t e = x + at * w.columns.step;
        to[at] = e < w.columns.extent ? load_one(line + e) : 0;
      }
    }
  }
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_CONV2D_WINDOW_H
