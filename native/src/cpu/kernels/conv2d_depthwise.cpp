// Convolutions with one filter for each channel (groups = c = k).
//
// 2 n p q c r s FLOP; bytes: x and y once. Floor: memory.
// Design: vectors of channels; the filters are laid out as [taps, channels] once a call. A tile is
// a span of output rows; each output sums the taps that lie in the image.
#include "cpu/kernels/conv2d.h"

namespace hs::cpu::HS_ISA {

namespace {

constexpr int64_t kTileElements = 16 << 10;
constexpr int64_t kMostChunks = 16;

// The filters as [taps, channels] floats, in the order of the window's taps.
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

// One row of outputs.
template <class T>
void convolve_row(const Window& w, const T* source, const float* filters, Pixel pixel,
                  const Finish& finish) {
  const int64_t line = w.columns.extent * w.channels;
  const int64_t y = w.rows.source(pixel.row);
  const Inside down = inside(w.rows, y);
  for (pixel.column = 0; pixel.column < w.columns.outputs; ++pixel.column) {
    const int64_t x = w.columns.source(pixel.column);
    const Inside across = inside(w.columns, x);
    const T* from = source + (pixel.image * w.rows.extent + y) * line + x * w.channels;
    const int64_t at = output_at(w, finish, pixel);
    for_vectors(0, w.channels, [&](int64_t c, auto lanes) {
      vf sum{};
      for (int64_t i = down.begin; i < down.end; ++i) {
        const T* taps = from + i * w.rows.spacing * line + c;
        const float* filter = filters + i * w.columns.taps * w.channels + c;
        for (int64_t j = across.begin; j < across.end; ++j) {
          sum = load(taps + j * w.columns.spacing * w.channels, lanes) *
                    load(filter + j * w.channels, lanes) +
                sum;
        }
      }
      finish_vector<T>(finish, at + c, c, sum, lanes);
    });
  }
}

// Adds what one row of outputs contributes to the sums [taps, channels], and to the bias's row.
template <class T>
void add_row(const Window& w, const T* source, const T* dy, const Pixel& pixel,
             const PartialSums& partial, float* sums) {
  const int64_t line = w.columns.extent * w.channels;
  const int64_t y = w.rows.source(pixel.row);
  const Inside down = inside(w.rows, y);
  const T* gradients =
      dy + (pixel.image * w.rows.outputs + pixel.row) * w.columns.outputs * w.channels;
  for_vectors(0, w.channels, [&](int64_t c, auto lanes) {
    for (int64_t i = down.begin; i < down.end; ++i) {
      const T* from = source + (pixel.image * w.rows.extent + y + i * w.rows.spacing) * line + c;
      for (int64_t j = 0; j < w.columns.taps; ++j) {
        vf sum{};
        for (int64_t q = 0; q < w.columns.outputs; ++q) {
          const int64_t x = w.columns.source(q) + j * w.columns.spacing;
          if (x < 0 || x >= w.columns.extent) continue;
          sum = load(from + x * w.channels, lanes) * load(gradients + q * w.channels + c, lanes) +
                sum;
        }
        float* to = sums + (i * w.columns.taps + j) * w.channels + c;
        store(to, load(to, lanes) + sum, lanes);
      }
    }
    if (!partial.with_bias) return;
    vf sum{};
    for (int64_t q = 0; q < w.columns.outputs; ++q) {
      sum = sum + load(gradients + q * w.channels + c, lanes);
    }
    float* to = sums + partial.depth * w.channels + c;
    store(to, load(to, lanes) + sum, lanes);
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
                  convolve_row(w, static_cast<const T*>(source), filters,
                               {i / w.rows.outputs, i % w.rows.outputs, 0}, finish);
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
                {i / w.rows.outputs, i % w.rows.outputs, 0}, partial, sums);
      }
    });
  });
  add_partial_sums(partial, args);
}

}  // namespace hs::cpu::HS_ISA
