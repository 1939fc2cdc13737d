// Maxima and averages of windows that slide over images, and their gradients.
//
// Bytes: x, y and one byte of index per output, once each. Floor: bytes / (memory bandwidth).
// Design: vectors hold neighbouring channels; a tile is a span of rows. If windows overlap, the
// gradient is gathered: each pixel of dx adds up the windows that contain it, so that dx is written
// once, in order. If windows are small and do not overlap, the gradient is scattered: each output
// is read once and written to its window. Measured (xeon-avx512-2cores, 2026-11-22): forward 63 %
// of the floor and more, up to 160 % if the caches hold the images; gradients of maxima 22 % for
// overlapping windows, and 41-46 % for windows side by side when these were gathered too. Scattered
// (two cores of an AMD EPYC with AVX-512, 2026-11-27): 80-150 %, 2-4 x as fast.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {

namespace {

constexpr int64_t kTileElements = 16 << 10;
constexpr int64_t kMostScattered = 16;  // the most pixels of a window that is scattered to

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// One axis of the window.
struct Axis {
  int64_t extent, window, stride, pad, outputs;

  // start: the index in x at which the window of output i begins. taps: the part of the window that
  // lies inside x.
  int64_t start(int64_t i) const { return i * stride - pad; }
  Range taps(int64_t i) const {
    const int64_t at = start(i), rest = extent - at;
    return {at < 0 ? -at : 0, rest < window ? rest : window};
  }
  // The outputs whose windows contain index i of x.
  Range holders(int64_t i) const {
    const int64_t last = (i + pad) / stride, before = i + pad - window;
    return {before < 0 ? 0 : before / stride + 1, last < outputs ? last + 1 : outputs};
  }
  int64_t most_holders() const {
    const int64_t most = window / stride + 1;
    return most < outputs ? most : outputs;
  }
};

Axis axis_of(int64_t extent, int64_t window, int64_t stride, int64_t pad) {
  return {extent, window, stride, pad, (extent + 2 * pad - window) / stride + 1};
}

struct Pool {
  explicit Pool(const hs_pool2d_desc& d)
      : rows(axis_of(d.h, d.r, d.stride_h, d.pad_h)),
        columns(axis_of(d.w, d.s, d.stride_w, d.pad_w)),
        images(d.n),
        channels(d.c),
        padded(d.pool == HS_AVERAGE_POOL_PADDED) {}
  // Whether the windows are small, and have no overlap, gaps or padding. A large window has too
  // many lines to write them all at once.
  bool side_by_side() const {
    return rows.stride == rows.window && columns.stride == columns.window && rows.pad == 0 &&
           columns.pad == 0 && rows.window * columns.window <= kMostScattered;
  }
  // The weight of an element in the average of output (p, q).
  float share(int64_t p, int64_t q) const {
    return 1 / static_cast<float>(padded ? rows.window * columns.window
                                         : rows.taps(p).size() * columns.taps(q).size());
  }
  Axis rows, columns;
  int64_t images, channels;
  bool padded;  // averages count the padding
};

// Calls fn(image, row) for all `count` rows of each image; a row has `pixels` pixels.
template <class Fn>
HS_INLINE void for_rows(const Pool& pool, int64_t count, int64_t pixels, double bytes,
                        const Fn& fn) {
  const int64_t row = pixels * pool.channels;
  for_spans(pool.images * count, (kTileElements + row - 1) / row, bytes * kNsPerByte,
            [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) fn(i / count, i % count);
            });
}

template <class T, bool kIndex>
void max_row(const Pool& pool, const T* x, T* y, uint8_t* index, int64_t image, int64_t p) {
  const Axis &rows = pool.rows, &columns = pool.columns;
  const int64_t channels = pool.channels, line = columns.extent * channels;
  const Range down = rows.taps(p);
  const T* image_row = x + (image * rows.extent + rows.start(p)) * line;
  int64_t at = (image * rows.outputs + p) * columns.outputs * channels;
  for (int64_t q = 0; q < columns.outputs; ++q, at += channels) {
    const Range across = columns.taps(q);
    const T* window = image_row + columns.start(q) * channels;
    for_vectors(0, channels, [&](int64_t c, auto lanes) {
      const T* from = window + c;
      vf best = load(from + down.begin * line + across.begin * channels, lanes);
      vi place = set1_int(static_cast<int32_t>(down.begin * columns.window + across.begin));
      for (int64_t r = down.begin; r < down.end; ++r) {
        for (int64_t s = across.begin; s < across.end; ++s) {
          const vf value = load(from + r * line + s * channels, lanes);
          const vi better = (value > best) | ((value != value) & (best == best));
          best = better ? value : best;
          if constexpr (kIndex) {
            place = better ? set1_int(static_cast<int32_t>(r * columns.window + s)) : place;
          }
        }
      }
      store(y + at + c, best, lanes);
      if constexpr (kIndex) store_bytes(index + at + c, place, lanes);
    });
  }
}

template <class T>
void average_row(const Pool& pool, const T* x, T* y, int64_t image, int64_t p) {
  const Axis &rows = pool.rows, &columns = pool.columns;
  const int64_t channels = pool.channels, line = columns.extent * channels;
  const Range down = rows.taps(p);
  const T* image_row = x + (image * rows.extent + rows.start(p)) * line;
  T* out = y + (image * rows.outputs + p) * columns.outputs * channels;
  for (int64_t q = 0; q < columns.outputs; ++q, out += channels) {
    const Range across = columns.taps(q);
    const T* window = image_row + columns.start(q) * channels;
    const vf share = set1(pool.share(p, q));
    for_vectors(0, channels, [&](int64_t c, auto lanes) {
      vf sum{};
      for (int64_t r = down.begin; r < down.end; ++r) {
        for (int64_t s = across.begin; s < across.end; ++s) {
          sum = sum + load(window + r * line + s * channels + c, lanes);
        }
      }
      store(out + c, sum * share, lanes);
    });
  }
}

// Computes the rows of dx that the windows of output row p cover, for maxima of windows side by
// side. A pixel is in at most one window, so each output is read once and written to its window.
template <class T>
void scatter_row(const Pool& pool, const T* dy, const uint8_t* index, T* dx, int64_t image,
                 int64_t p) {
  const Axis &rows = pool.rows, &columns = pool.columns;
  const int64_t channels = pool.channels, line = columns.extent * channels;
  const int64_t height = rows.window, width = columns.window;
  const int64_t from = (image * rows.outputs + p) * columns.outputs * channels;
  T* const out = dx + (image * rows.extent + p * height) * line;
  for (int64_t q = 0; q < columns.outputs; ++q) {
    const int64_t at = from + q * channels;
    T* const window = out + q * width * channels;
    for_vectors(0, channels, [&](int64_t c, auto lanes) {
      const vf value = load(dy + at + c, lanes);
      const vi place = load_bytes(index + at + c, lanes);
      for (int64_t r = 0; r < height; ++r) {
        for (int64_t s = 0; s < width; ++s) {
          const vi here = place == set1_int(static_cast<int32_t>(r * width + s));
          store(window + r * line + s * channels + c, here ? value : vf{}, lanes);
        }
      }
    });
  }
  // Clears the pixels at the right and at the bottom that no window contains.
  const auto clear = [&](T * to, int64_t count) __attribute__((always_inline)) {
    for_vectors(0, count, [&](int64_t i, auto lanes) { store(to + i, vf{}, lanes); });
  };
  const int64_t covered = columns.outputs * width * channels;
  for (int64_t r = 0; r < height && covered < line; ++r) {
    clear(out + r * line + covered, line - covered);
  }
  if (p + 1 == rows.outputs) clear(out + height * line, (rows.extent % height) * line);
}

// An output whose window contains a pixel of dx: the offset `at` of the output, the pixel's place
// in the window, and the pixel's weight in an average.
struct Holder {
  int64_t at;
  int32_t place;
  float share;
};

// Computes a row of dx.
template <class T, bool kMax>
void gather_row(const Pool& pool, const T* dy, const uint8_t* index, T* dx, int64_t image,
                int64_t h, const Range* across_all) {
  const Axis &rows = pool.rows, &columns = pool.columns;
  const int64_t channels = pool.channels;
  const int64_t most = rows.most_holders() * columns.most_holders();
  Holder* holders = static_cast<Holder*>(
      thread_scratch(Scratch::kTile, most * static_cast<int64_t>(sizeof(Holder))));
  const Range down = rows.holders(h);
  T* out = dx + (image * rows.extent + h) * columns.extent * channels;
  for (int64_t w = 0; w < columns.extent; ++w, out += channels) {
    const Range across = across_all[w];
    int64_t count = 0;
    for (int64_t p = down.begin; p < down.end; ++p) {
      const int64_t line = (image * rows.outputs + p) * columns.outputs;
      const int64_t place = (h - rows.start(p)) * columns.window + w;
      for (int64_t q = across.begin; q < across.end; ++q) {
        holders[count++] = {(line + q) * channels, static_cast<int32_t>(place - columns.start(q)),
                            kMax ? 1 : pool.share(p, q)};
      }
    }
    for_vectors(0, channels, [&](int64_t c, auto lanes) {
      vf sum{};
      for (int64_t i = 0; i < count; ++i) {
        const Holder& holder = holders[i];
        const vf value = load(dy + holder.at + c, lanes);
        if constexpr (kMax) {
          const vi here = load_bytes(index + holder.at + c, lanes) == set1_int(holder.place);
          sum = sum + (here ? value : vf{});
        } else {
          sum = value * holder.share + sum;
        }
      }
      store(out + c, sum, lanes);
    });
  }
}

}  // namespace

void pool2d(const Pool2dArgs& args) {
  const hs_pool2d_desc& d = args.desc;
  const Pool pool(d);
  with_storage(d.type, [&](auto type) {
    using T = typename decltype(type)::type;
    const T* x = static_cast<const T*>(args.x);
    T* y = static_cast<T*>(args.y);
    const int64_t size = static_cast<int64_t>(sizeof(T));
    const double bytes = static_cast<double>(int64_t{d.r} * d.s + 1) * static_cast<double>(size);
    for_rows(pool, pool.rows.outputs, pool.columns.outputs,
             bytes * static_cast<double>(pool.columns.outputs * d.c),
             [&](int64_t image, int64_t p) {
               if (d.pool != HS_MAX_POOL) {
                 average_row(pool, x, y, image, p);
               } else if (args.index != nullptr) {
                 max_row<T, true>(pool, x, y, args.index, image, p);
               } else {
                 max_row<T, false>(pool, x, y, nullptr, image, p);
               }
             });
  });
}

void pool2d_backward(const Pool2dBackwardArgs& args) {
  const hs_pool2d_desc& d = args.desc;
  if (d.n == 0) return;
  const Pool pool(d);
  Range* across = static_cast<Range*>(
      thread_scratch(Scratch::kCall, d.w * static_cast<int64_t>(sizeof(Range))));
  for (int64_t w = 0; w < d.w; ++w) across[w] = pool.columns.holders(w);
  with_storage(d.type, [&](auto type) {
    using T = typename decltype(type)::type;
    const T* dy = static_cast<const T*>(args.dy);
    T* dx = static_cast<T*>(args.dx);
    const double bytes = static_cast<double>(d.w * d.c) * 3 * sizeof(T);
    if (d.pool == HS_MAX_POOL && pool.side_by_side()) {
      for_rows(pool, pool.rows.outputs, d.r * d.w, bytes * d.r,
               [&](int64_t image, int64_t p) { scatter_row(pool, dy, args.index, dx, image, p); });
      return;
    }
    for_rows(pool, d.h, d.w, bytes, [&](int64_t image, int64_t h) {
      if (d.pool == HS_MAX_POOL) {
        gather_row<T, true>(pool, dy, args.index, dx, image, h, across);
      } else {
        gather_row<T, false>(pool, dy, nullptr, dx, image, h, across);
      }
    });
  });
}

}  // namespace hs::cpu::HS_ISA
