// Convolution without a copy of each pixel's window. A *patch* is a copy of the lines of the source
// that the windows of some rows of outputs cover, with zeros for the padding; in it neighbouring
// windows overlap. The matrix of the convolution is read from the patch: its element (pixel, d)
// lies at the place of the pixel plus the place of d, and the register kernel adds the two.
#ifndef HALFSTEP_CPU_KERNELS_CONV2D_PATCH_H
#define HALFSTEP_CPU_KERNELS_CONV2D_PATCH_H

#include "cpu/kernels/conv2d_window.h"
#include "cpu/kernels/matmul_micro.h"

namespace hs::cpu::HS_ISA {

inline constexpr int64_t kPatchPixels = 196;       // the most outputs of a patch
inline constexpr int64_t kPatchFloats = 64 << 10;  // approximate size of a patch, a part of L2
inline constexpr int64_t kLeastRun = 16;           // for shorter runs the inner loop is too short

// A run: `steps` steps of a sum, whose elements lie in the patch from place `at` on.
struct Run {
  int64_t at, steps;
};

// The patch of the output rows [begin, end), numbered in the order [images, rows.outputs].
struct Patch {
  const Window& w;
  int64_t begin, end;

  // Source elements that the windows of `outputs` neighbouring outputs cover along an axis.
  static int64_t span(const Axis& axis, int64_t outputs) {
    return (outputs - 1) * axis.step + (axis.taps - 1) * axis.spacing + 1;
  }
  // Elements from one line to the next.
  static int64_t line(const Window& w) { return span(w.columns, w.columns.outputs) * w.group; }
  // Elements of a window that are contiguous in the patch.
  static int64_t run(const Window& w) {
    return w.columns.spacing == 1 ? w.columns.taps * w.group : w.group;
  }
  // Whether a patch suits this window: runs are long, and the patch is much smaller than a copy of
  // every pixel's window.
  static bool suits(const Window& w) {
    return w.depth() > 0 && run(w) >= kLeastRun && w.columns.outputs <= kPatchPixels &&
           2 * w.rows.step * line(w) <= w.columns.outputs * w.depth();
  }
  // The most rows of outputs that a patch may have.
  static int64_t most_rows(const Window& w) {
    const int64_t of_pixels = kPatchPixels / w.columns.outputs;
    const int64_t of_floats = kPatchFloats / (w.rows.step * line(w));
    const int64_t rows = of_pixels < of_floats ? of_pixels : of_floats;
    return rows > 1 ? rows : 1;
  }

  int64_t pixels() const { return (end - begin) * w.columns.outputs; }
  int64_t size() const {
    const int64_t images = (end - 1) / w.rows.outputs - begin / w.rows.outputs + 1;
    return ((end - begin - images) * w.rows.step + images * span(w.rows, 1)) * line(w);
  }
  // The place of element d of a window, relative to the window's beginning.
  int64_t place(int64_t d) const {
    const int64_t tap = d / w.group;
    return tap / w.columns.taps * w.rows.spacing * line(w) +
           tap % w.columns.taps * w.columns.spacing * w.group + d % w.group;
  }
  // Writes the runs of the elements [first, last) of a window to `to`; returns their number.
  int64_t runs(int64_t first, int64_t last, Run* to) const {
    int64_t count = 0;
    for (int64_t d = first, most = run(w); d < last;) {
      const int64_t left = most - d % most, steps = left < last - d ? left : last - d;
      to[count++] = {place(d), steps};
      d += steps;
    }
    return count;
  }

  // Copies the patch. `source` points to the first channel of the group; places[i] is set to the
  // place where the first window of row i begins.
  template <class T>
  HS_INLINE void copy(const T* source, float* to, int64_t* places) const;
};

template <class T>
HS_INLINE void Patch::copy(const T* source, float* to, int64_t* places) const {
  const int64_t pitch = line(w), width = pitch / w.group, left = w.columns.source(0);
  // Columns [from, until) of the patch lie in the image.
  int64_t from = left < 0 ? -left : 0, until = w.columns.extent - left;
  if (from > width) from = width;
  if (until > width) until = width;
  if (until < from) until = from;
  int64_t at = 0;
  for (int64_t row = begin; row < end;) {
    const int64_t image = row / w.rows.outputs, first = row % w.rows.outputs;
    const int64_t rest = w.rows.outputs - first, count = rest < end - row ? rest : end - row;
    for (int64_t i = 0; i < count; ++i) *places++ = at + i * w.rows.step * pitch;
    const int64_t top = w.rows.source(first), lines = span(w.rows, count);
    for (int64_t y = top; y < top + lines; ++y, at += pitch) {
      float* const line = to + at;
      if (y < 0 || y >= w.rows.extent) {
        zero(line, pitch);
        continue;
      }
      zero(line, from * w.group);
      const T* pixel =
          source + ((image * w.rows.extent + y) * w.columns.extent + left) * w.channels;
      if (w.group == w.channels) {
        for_vectors(from * w.group, until * w.group,
                    [&](int64_t e, auto lanes) { store(line + e, load(pixel + e, lanes), lanes); });
      } else {
        for (int64_t x = from; x < until; ++x) {
          for_vectors(0, w.group, [&](int64_t e, auto lanes) {
            store(line + x * w.group + e, load(pixel + x * w.channels + e, lanes), lanes);
          });
        }
      }
      zero(line + until * w.group, pitch - until * w.group);
    }
    row += count;
  }
}

// The arguments of a register kernel that computes rows x vectors of C like outer_tile, but reads
// op(A)(i, p) from a patch: at the place of row i plus the place of step p.
struct PatchTile {
  OuterTile tile;  // its a, a_row and k are not used
  const float* patch;
  const int64_t* places;  // places of the rows
  const Run* runs;        // runs of steps, whose elements are tile.a_step apart
  int64_t count;          // number of runs
};

// The most rows of a tile of 1, 2 ... vectors: so few that their places fit in general registers.
#if HS_REGISTERS >= 32
inline constexpr int kPatchRows[kMaxVectors + 1] = {0, 8, 8, 8, 6};
#else
inline constexpr int kPatchRows[kMaxVectors + 1] = {0, 8, 6};
#endif

// Runs the register kernel over `rows` rows of a panel of at most kMaxVectors vectors of columns.
void run_patch_panel(PatchTile tile, int64_t rows, int64_t columns);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_CONV2D_PATCH_H
