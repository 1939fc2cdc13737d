// Convolutions with one filter for each channel (groups = c = k).
//
// 2 n p q c r s FLOP; bytes: x and y once. Floor: bytes / (memory bandwidth).
// Design: vectors hold neighbouring channels; the filters are copied to [taps, channels] once per
// call. A tile is a span of output rows; each output adds up the taps that lie inside the image.
// Measured (xeon-avx512-2cores, 2026-11-22): 65-81 % of the floor, 0.5-0.9 x oneDNN.
#include "cpu/kernels/conv2d.h"

namespace hs::cpu::HS_ISA {

namespace {

constexpr int64_t kTileElements = 16 << 10;
constexpr int64_t kMostChunks = 16;

// Copies the filters to [taps, channels] floats, in the order of the window's taps.
template <class T>
void lay_out(const Window& w, const T* weights, int64_t window_columns, int64_t window_size,
             float* filters) {
  for (int64_t i = 0; i < w.rows.taps; ++i) {
    for (int64_t j = 0; j < w.columns.taps; ++j) {
      const int64_t tap = (w.rows.tap_first + i * w.rows.tap_step) * window_columns +
                          w.columns.tap_first + j * w.columns.tap_step;
      for (int64_t c = 0; c < w.channels; ++c) {
        *filters++ = load_one(weights + c * window_size + tap);
      }
    }
  }
}

// Calls fn(channel, lanes, Constant<vectors>) for blocks of channels. A block has several vectors,
// whose sums are independent, since each addition to one sum must wait for the one before.
template <class Fn>
HS_INLINE void for_channels(int64_t channels, const Fn& fn) {
  constexpr int kVectors = 4;
  int64_t c = 0;
  for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes) {
    fn(c, AllLanes{}, Constant<kVectors>{});
  }
  for_vectors(c, channels, [&](int64_t at, auto lanes) { fn(at, lanes, Constant<1>{}); });
}

// Computes one row of outputs.
template <class T>
void convolve_row(const Window& w, const T* source, const float* filters, int64_t image,
                  int64_t row, const Finish& finish) {
  const int64_t line = w.columns.extent * w.channels;
  const int64_t y = w.rows.source(row);
  const Inside down = inside(w.rows, y);
  for (int64_t column = 0; column < w.columns.outputs; ++column) {
    const int64_t x = w.columns.source(column);
    const Inside across = inside(w.columns, x);
    const T* from = source + (image * w.rows.extent + y) * line + x * w.channels;
    const int64_t at = output_at(w, finish, image, row, column);
    for_channels(w.channels, [&](int64_t c, auto lanes, auto vectors) {
      constexpr int kVectors = decltype(vectors)::value;
      vf sum[kVectors] = {};
      for (int64_t i = down.begin; i < down.end; ++i) {
        const T* taps = from + i * w.rows.spacing * line + c;
        const float* filter = filters + i * w.columns.taps * w.channels + c;
        for (int64_t j = across.begin; j < across.end; ++j) {
          const T* tap = taps + j * w.columns.spacing * w.channels;
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            sum[v] =
                load(tap + v * kLanes, lanes) * load(filter + j * w.channels + v * kLanes, lanes) +
                sum[v];
          }
        }
      }
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        finish_vector<T>(finish, at + c + v * kLanes, c + v * kLanes, sum[v], lanes);
      }
    });
  }
}

// Adds the contribution of one row of outputs to the sums [taps, channels] and to the bias's row.
template <class T>
void add_row(const Window& w, const T* source, const T* dy, int64_t image, int64_t row,
             const PartialSums& partial, float* sums) {
  const int64_t line = w.columns.extent * w.channels, outputs = w.columns.outputs;
  const int64_t y = w.rows.source(row);
  const Inside down = inside(w.rows, y);
  const T* gradients = dy + (image * w.rows.outputs + row) * outputs * w.channels;
  for_channels(w.channels, [&](int64_t c, auto lanes, auto vectors) {
    constexpr int kVectors = decltype(vectors)::value;
    const auto add = [&](float* to, const vf(&sum)[kVectors]) __attribute__((always_inline)) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        store(to + v * kLanes, load(to + v * kLanes, lanes) + sum[v], lanes);
      }
    };
    for (int64_t i = down.begin; i < down.end; ++i) {
      const T* from = source + (image * w.rows.extent + y + i * w.rows.spacing) * line + c;
      for (int64_t j = 0; j < w.columns.taps; ++j) {
        vf sum[kVectors] = {};
        for (int64_t q = 0; q < outputs; ++q) {
          const int64_t x = w.columns.source(q) + j * w.columns.spacing;
          if (x < 0 || x >= w.columns.extent) continue;
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            sum[v] = load(from + x * w.channels + v * kLanes, lanes) *
                         load(gradients + q * w.channels + c + v * kLanes, lanes) +
                     sum[v];
          }
        }
        add(sums + (i * w.columns.taps + j) * w.channels + c, sum);
      }
    }
    if (!partial.with_bias) return;
    vf sum[kVectors] = {};
    for (int64_t q = 0; q < outputs; ++q) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sum[v] = sum[v] + load(gradients + q * w.channels + c + v * kLanes, lanes);
      }
    }
    add(sums + partial.depth * w.channels + c, sum);
  });
}

}  // namespace

void depthwise(const Window& w, hs_dtype type, const void* source, const void* weights,
               int64_t window_columns, int64_t window_size, const Finish& finish) {
  if (w.pixels() == 0) return;
  const int64_t taps = w.rows.taps * w.columns.taps;
  float* filters =
      static_cast<float*>(thread_scratch(Scratch::kCall, (taps * w.channels + kLanes) * 4));
  with_storage(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    lay_out(w, static_cast<const T*>(weights), window_columns, window_size, filters);
    const int64_t row = w.columns.outputs * w.channels;
    for_spans(w.images * w.rows.outputs, ceil_div(kTileElements, row),
              static_cast<double>(row) * (2 + 0.1 * static_cast<double>(taps)) * kNsPerByte,
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  convolve_row(w, static_cast<const T*>(source), filters, i / w.rows.outputs,
                               i % w.rows.outputs, finish);
                }
              });
  });
}

void depthwise_backward_weights(const Conv2dBackwardWeightsArgs& args) {
  const hs_conv2d_desc& d = args.desc;
  const Window w = forward_window(d);
  const int64_t rows = w.images * w.rows.outputs;
  PartialSums partial{};
  partial.groups = 1;
  partial.depth = d.r * d.s;
  partial.columns = d.c;
  partial.with_bias = args.d_bias != nullptr;
  partial.chunks =
      larger(1, smaller(kMostChunks, rows * w.columns.outputs * w.channels / kTileElements));
  partial.sums = static_cast<float*>(thread_scratch(Scratch::kCall, (partial.size() + kLanes) * 4));
  const Cut chunks = cut(rows, partial.chunks);
  const double fmas =
      static_cast<double>(w.pixels() * partial.depth) * static_cast<double>(ceil_div(d.c, kLanes));
  with_storage(d.type, [&](auto type) {
    using T = typename decltype(type)::type;
    parallel_for(partial.chunks, fmas * 2 * kNsPerFma, [&](int64_t chunk) {
      float* sums = partial.at(chunk, 0);
      zero(sums, partial.rows() * partial.columns);
      for (int64_t i = chunks.begin(chunk); i < chunks.begin(chunk + 1); ++i) {
        add_row(w, static_cast<const T*>(args.x), static_cast<const T*>(args.dy),
                i / w.rows.outputs, i % w.rows.outputs, partial, sums);
      }
    });
  });
  add_partial_sums(partial, args);
}

}  // namespace hs::cpu::HS_ISA
