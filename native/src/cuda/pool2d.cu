// pool2d: maxima and averages of windows that slide over images; pool2d_backward: their gradients.
//
// Bytes: x, y and one byte of index per output, once each if windows do not overlap much. Floor:
// bytes / bandwidth. Design: a thread handles 16 bytes of channels of one output; elements that
// neighbouring windows share come from the caches. The gradient is gathered: each pixel of dx adds
// up the windows that contain it, so that dx is written once, in order. Not yet measured on a GPU.
#include "core/error.h"
#include "cuda/divisor.h"
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

// Blocks per multiprocessor. Without this limit ptxas spills a register or two to fit more of them.
constexpr int kLeastBlocks = 4;

// Positions and elements are counted in 31 bits.
constexpr std::int64_t kMost = 0x7fffffff;

struct Range {
  int begin, end;
};

// One axis of the window.
struct Axis {
  int extent, window, stride, pad, outputs;

  // The indices of x that lie in the window of output i, without the padding.
  HS_DEVICE Range inside(int i) const {
    int at = i * stride - pad, end = at + window;
    return {at < 0 ? 0 : at, end < extent ? end : extent};
  }
  // The outputs whose windows contain index i of x.
  HS_DEVICE Range holders(int i) const {
    int last = (i + pad) / stride, before = i + pad - window;
    return {before < 0 ? 0 : before / stride + 1, last < outputs ? last + 1 : outputs};
  }
};

// The pooling of a call. A thread computes vectors of channels, of y or of dx; `count` is their
// number, in the order [images, rows, columns, vectors].
struct Pool {
  Axis rows, columns;
  std::int64_t channels;
  int divisor;  // of averages: the elements of the window, or 0 to count only those inside x
  unsigned count;
  Divisor vectors, of_columns, of_rows;
};

// The weight of an element in the average of a window, of which `down` x `across` lies inside x.
HS_DEVICE float share_of(const Pool& pool, Range down, Range across) {
  int inside = (down.end - down.begin) * (across.end - across.begin);
  return 1.0f / static_cast<float>(pool.divisor != 0 ? pool.divisor : inside);
}

struct Place {
  int image, row, column, channel;
};

template <int kVector>
HS_DEVICE Place place_of(const Pool& pool, unsigned number) {
  unsigned vector, column, row;
  unsigned pixel = pool.vectors.quotient(number, vector);
  unsigned line = pool.of_columns.quotient(pixel, column);
  unsigned image = pool.of_rows.quotient(line, row);
  return {static_cast<int>(image), static_cast<int>(row), static_cast<int>(column),
          static_cast<int>(vector) * kVector};
}

HS_DEVICE std::int64_t element(const Pool& pool, std::int64_t image, int rows, int columns, int row,
                               int column, int channel) {
  return ((image * rows + row) * columns + column) * pool.channels + channel;
}

template <class T, int kVector, bool kMax>
HS_KERNEL void __launch_bounds__(kElementwiseThreads, kLeastBlocks)
    pool_windows(const Pool pool, const T* x, T* y, std::uint8_t* index) {
  const Axis &rows = pool.rows, &columns = pool.columns;
  for (std::int64_t i = grid_thread(); i < pool.count; i += grid_threads()) {
    const Place at = place_of<kVector>(pool, static_cast<unsigned>(i));
    const Range down = rows.inside(at.row), across = columns.inside(at.column);
    int top = at.row * rows.stride - rows.pad, left = at.column * columns.stride - columns.pad;
    float result[kVector] = {};
    int places[kVector];
    HS_UNROLL for (int& place : places) place = -1;
    for (int row = down.begin; row < down.end; ++row) {
      for (int column = across.begin; column < across.end; ++column) {
        float v[kVector];
        load_elements(
            x + element(pool, at.image, rows.extent, columns.extent, row, column, at.channel), v);
        int place = (row - top) * columns.window + column - left;
        HS_UNROLL for (int e = 0; e < kVector; ++e) {
          if constexpr (kMax) {
            bool larger = v[e] > result[e] || (v[e] != v[e] && result[e] == result[e]);
            if (places[e] >= 0 && !larger) continue;
            places[e] = place;
            result[e] = v[e];
          } else {
            result[e] += v[e];
          }
        }
      }
    }
    if constexpr (!kMax) {
      float share = share_of(pool, down, across);
      HS_UNROLL for (float& e : result) e *= share;
    }
    std::int64_t to = i * kVector;
    store_elements(y + to, result);
    if (kMax && index != nullptr) {
      HS_UNROLL for (int e = 0; e < kVector; ++e) {
        index[to + e] = static_cast<std::uint8_t>(places[e]);
      }
    }
  }
}

template <class T, int kVector, bool kMax>
HS_KERNEL void __launch_bounds__(kElementwiseThreads, kLeastBlocks)
    spread_windows(const Pool pool, const T* dy, const std::uint8_t* index, T* dx) {
  const Axis &rows = pool.rows, &columns = pool.columns;
  for (std::int64_t i = grid_thread(); i < pool.count; i += grid_threads()) {
    const Place at = place_of<kVector>(pool, static_cast<unsigned>(i));
    const Range down = rows.holders(at.row), across = columns.holders(at.column);
    float sum[kVector] = {};
    for (int row = down.begin; row < down.end; ++row) {
      for (int column = across.begin; column < across.end; ++column) {
        std::int64_t from =
            element(pool, at.image, rows.outputs, columns.outputs, row, column, at.channel);
        float g[kVector];
        load_elements(dy + from, g);
        if constexpr (kMax) {
          int place = (at.row + rows.pad - row * rows.stride) * columns.window + at.column +
                      columns.pad - column * columns.stride;
          HS_UNROLL for (int e = 0; e < kVector; ++e) {
            if (index[from + e] == place) sum[e] += g[e];
          }
        } else {
          float share = share_of(pool, rows.inside(row), columns.inside(column));
          HS_UNROLL for (int e = 0; e < kVector; ++e) sum[e] += g[e] * share;
        }
      }
    }
    store_elements(dx + i * kVector, sum);
  }
}

Axis axis_of(std::int64_t extent, int window, int stride, int pad) {
  auto inputs = static_cast<int>(extent);
  return {inputs, window, stride, pad, (inputs + 2 * pad - window) / stride + 1};
}

// Calls launcher(shape, pool, T{}, Elements<channels of a vector>). A thread computes a vector of
// channels of a pixel of the output, or of the input if `of_input`.
template <class Launcher>
hs_status with_pool(const Stream& stream, const char* name, const hs_pool2d_desc& d, bool of_input,
                    bool is_aligned, const Launcher& launcher) {
  std::int64_t height = d.h + std::int64_t{2} * d.pad_h, width = d.w + std::int64_t{2} * d.pad_w;
  if (height > kMost || width > kMost || std::int64_t{d.r} * d.s > kMost) {
    return fail(HS_UNSUPPORTED,
                "%s: images of %lld x %lld with their padding, windows of %d x %d: 2^31 - 1 are "
                "possible in one dimension, and in a window",
                name, static_cast<long long>(height), static_cast<long long>(width), d.r, d.s);
  }
  return with_storage(d.type, [&](auto element) {
    constexpr int kVector = 16 / sizeof(element);
    bool vectors = is_aligned && d.c % kVector == 0;
    Pool pool{axis_of(d.h, d.r, d.stride_h, d.pad_h),
              axis_of(d.w, d.s, d.stride_w, d.pad_w),
              d.c,
              d.pool == HS_AVERAGE_POOL_PADDED ? d.r * d.s : 0,
              0,
              Divisor(vectors ? d.c / kVector : d.c),
              Divisor(),
              Divisor()};
    std::int64_t rows = of_input ? d.h : pool.rows.outputs;
    std::int64_t columns = of_input ? d.w : pool.columns.outputs;
    std::int64_t count = d.n * rows * columns * pool.vectors.value;
    if (count > kMost) {
      return fail(HS_UNSUPPORTED,
                  "%s: %lld vectors of channels: 2^31 - 1 are possible: cut the batch", name,
                  static_cast<long long>(count));
    }
    pool.count = static_cast<unsigned>(count);
    pool.of_columns = Divisor(columns);
    pool.of_rows = Divisor(rows);
    LaunchShape shape = elementwise_shape(name, stream, count, 1);
    return vectors ? launcher(shape, pool, element, Elements<kVector>{})
                   : launcher(shape, pool, element, Elements<1>{});
  });
}

}  // namespace

hs_status pool2d(void* stream_of_call, const Pool2dArgs& args) {
  if (args.desc.n == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_pool(stream, "pool_windows", args.desc, false, aligned(args.x) && aligned(args.y),
                   [&](const LaunchShape& shape, const Pool& pool, auto element, auto n) {
                     using T = decltype(element);
                     return launch(stream, shape,
                                   args.desc.pool == HS_MAX_POOL ? pool_windows<T, n.value, true>
                                                                 : pool_windows<T, n.value, false>,
                                   pool, static_cast<const T*>(args.x), static_cast<T*>(args.y),
                                   args.index);
                   });
}

hs_status pool2d_backward(void* stream_of_call, const Pool2dBackwardArgs& args) {
  if (args.desc.n == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_pool(
      stream, "spread_windows", args.desc, true, aligned(args.dy) && aligned(args.dx),
      [&](const LaunchShape& shape, const Pool& pool, auto element, auto n) {
        using T = decltype(element);
        return launch(stream, shape,
                      args.desc.pool == HS_MAX_POOL ? spread_windows<T, n.value, true>
                                                    : spread_windows<T, n.value, false>,
                      pool, static_cast<const T*>(args.dy), args.index, static_cast<T*>(args.dx));
      });
}

}  // namespace hs::cuda
