// resize: bilinear resizing of images; resize_backward: its gradient.
//
// Bytes: x and y once; elements of x that neighbouring outputs share come from the caches. Floor:
// bytes / bandwidth. Design: a thread handles 16 bytes of channels of one output. The position of
// an output between its neighbours is computed in integers and therefore exactly. The gradient is
// gathered: each pixel of dx adds up the outputs to which it contributes, which are neighbours, so
// that dx is written once, in order. Not yet measured on a GPU.
#include "core/error.h"
#include "cuda/divisor.h"
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

// Blocks per multiprocessor. Without this limit ptxas spills a register or two to fit more of them.
constexpr int kLeastBlocks = 4;

// An output is (1 - part) times source `low` plus `part` times source `high`.
struct Between {
  std::int64_t low, high;
  float part;
  HS_DEVICE float share(std::int64_t source) const {
    return (low == source ? 1.0f - part : 0.0f) + (high == source ? part : 0.0f);
  }
};

struct Range {
  std::int64_t begin, end;
};

struct Axis {
  std::int64_t extent, outputs;

  // The sources of output i, which lies at max(0, (i + 1/2) extent / outputs - 1/2).
  HS_DEVICE Between between(std::int64_t i) const {
    std::int64_t twice = (2 * i + 1) * extent - outputs;  // the position times 2 outputs
    if (twice <= 0) return {0, 0, 0};
    const Quotient q(twice, 2 * outputs);
    if (q.quotient >= extent - 1) return {extent - 1, extent - 1, 0};
    return {q.quotient, q.quotient + 1,
            static_cast<float>(q.rest) / static_cast<float>(2 * outputs)};
  }
  // A range that contains all outputs to which source i contributes: those strictly between sources
  // i - 1 and i + 1, or beyond the first or the last source.
  HS_DEVICE Range takers(std::int64_t i) const {
    auto first_from = [&](std::int64_t twice) {  // the first output at or after twice / 2 - 1/2
      std::int64_t value = twice * outputs - extent;
      return value <= 0 ? 0 : Quotient(value + 2 * extent - 1, 2 * extent).quotient;
    };
    std::int64_t begin = i == 0 ? 0 : first_from(2 * i - 1);
    std::int64_t end = i == extent - 1 ? outputs : first_from(2 * i + 3);
    return {begin, end < outputs ? end : outputs};
  }
};

// The resizing of a call. A thread computes vectors of channels, of y or of dx; `count` is their
// number, in the order [images, rows, columns, vectors].
struct Resize {
  Axis rows, columns;
  std::int64_t channels;
  unsigned count;
  Divisor vectors, of_columns, of_rows;
};

struct Place {
  std::int64_t image, row, column, channel;
};

template <int kVector>
HS_DEVICE Place place_of(const Resize& r, unsigned number) {
  unsigned vector, column, row;
  unsigned pixel = r.vectors.quotient(number, vector);
  unsigned line = r.of_columns.quotient(pixel, column);
  unsigned image = r.of_rows.quotient(line, row);
  return {image, row, column, std::int64_t{vector} * kVector};
}

template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kElementwiseThreads, kLeastBlocks)
    interpolate(const Resize r, const T* x, T* y) {
  for (std::int64_t i = grid_thread(); i < r.count; i += grid_threads()) {
    const Place at = place_of<kVector>(r, static_cast<unsigned>(i));
    const Between down = r.rows.between(at.row), across = r.columns.between(at.column);
    auto read = [&](std::int64_t row, std::int64_t column, float(&v)[kVector]) {
      load_elements(
          x + ((at.image * r.rows.extent + row) * r.columns.extent + column) * r.channels +
              at.channel,
          v);
    };
    float a[kVector], b[kVector], c[kVector], d[kVector];
    read(down.low, across.low, a);
    read(down.low, across.high, b);
    read(down.high, across.low, c);
    read(down.high, across.high, d);
    HS_UNROLL for (int e = 0; e < kVector; ++e) {
      float above = (1.0f - across.part) * a[e] + across.part * b[e];
      float below = (1.0f - across.part) * c[e] + across.part * d[e];
      a[e] = (1.0f - down.part) * above + down.part * below;
    }
    store_elements(y + i * kVector, a);
  }
}

template <class T, int kVector>
HS_KERNEL void __launch_bounds__(kElementwiseThreads, kLeastBlocks)
    gather_gradients(const Resize r, const T* dy, T* dx) {
  for (std::int64_t i = grid_thread(); i < r.count; i += grid_threads()) {
    const Place at = place_of<kVector>(r, static_cast<unsigned>(i));
    const Range down = r.rows.takers(at.row), across = r.columns.takers(at.column);
    float sum[kVector] = {};
    for (std::int64_t row = down.begin; row < down.end; ++row) {
      float of_row = r.rows.between(row).share(at.row);
      for (std::int64_t column = across.begin; column < across.end; ++column) {
        float share = of_row * r.columns.between(column).share(at.column);
        float g[kVector];
        load_elements(
            dy + ((at.image * r.rows.outputs + row) * r.columns.outputs + column) * r.channels +
                at.channel,
            g);
        HS_UNROLL for (int e = 0; e < kVector; ++e) {
          if (share != 0) sum[e] += share * g[e];
        }
      }
    }
    store_elements(dx + i * kVector, sum);
  }
}

// Calls launcher(shape, resize, T{}, Elements<channels of a vector>). A thread computes a vector of
// channels of a pixel of the images, which have rows x columns pixels.
template <class Launcher>
hs_status with_resize(const Stream& stream, const char* name, const hs_resize_desc& d,
                      std::int64_t rows, std::int64_t columns, bool is_aligned,
                      const Launcher& launcher) {
  return with_storage(d.type, [&](auto element) {
    constexpr int kVector = 16 / sizeof(element);
    bool vectors = is_aligned && d.c % kVector == 0;
    std::int64_t per_pixel = vectors ? d.c / kVector : d.c,
                 count = d.n * rows * columns * per_pixel;
    if (count > 0x7fffffff) {
      return fail(HS_UNSUPPORTED,
                  "%s: %lld vectors of channels: 2^31 - 1 are possible: cut the batch", name,
                  static_cast<long long>(count));
    }
    const Resize r{{d.h, d.p},         {d.w, d.q},       d.c,          static_cast<unsigned>(count),
                   Divisor(per_pixel), Divisor(columns), Divisor(rows)};
    LaunchShape shape = elementwise_shape(name, stream, count, 1);
    return vectors ? launcher(shape, r, element, Elements<kVector>{})
                   : launcher(shape, r, element, Elements<1>{});
  });
}

}  // namespace

hs_status resize(void* stream_of_call, const ResizeArgs& args) {
  const hs_resize_desc& d = args.desc;
  if (d.n == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_resize(stream, "interpolate", d, d.p, d.q, aligned(args.x) && aligned(args.y),
                     [&](const LaunchShape& shape, const Resize& r, auto element, auto n) {
                       using T = decltype(element);
                       return launch(stream, shape, interpolate<T, n.value>, r,
                                     static_cast<const T*>(args.x), static_cast<T*>(args.y));
                     });
}

hs_status resize_backward(void* stream_of_call, const ResizeBackwardArgs& args) {
  const hs_resize_desc& d = args.desc;
  if (d.n == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_resize(stream, "gather_gradients", d, d.h, d.w, aligned(args.dy) && aligned(args.dx),
                     [&](const LaunchShape& shape, const Resize& r, auto element, auto n) {
                       using T = decltype(element);
                       return launch(stream, shape, gather_gradients<T, n.value>, r,
                                     static_cast<const T*>(args.dy), static_cast<T*>(args.dx));
                     });
}

}  // namespace hs::cuda
