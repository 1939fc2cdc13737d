// Batch normalisation (Ioffe and Szegedy, 2015) over [rows, channels], fused with the addition of a
// residual and with ReLU. Bound by memory: forward reads x twice and writes y, 12 bytes per F32
// element; backward reads dy and x twice and writes dx, 20 bytes (with ReLU it also reads y twice,
// 8 more). If the arrays fit into the third-level cache, its bandwidth is the bound.
//
// There are two passes over tiles of rows: the first computes sums for each channel, the second
// computes the elements, beginning with the tiles that the first read last. Between them the tiles'
// sums are merged in double, in order. Each tile sums distances from one of its own values, so a
// mean that is large compared with the deviation costs no precision.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/normalization.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kMergeChannels = 64;  // channels whose sums one task of the merge adds up

struct Shape {
  explicit Shape(const hs_batch_norm_desc& desc)
      : columns(join_columns(desc.channels)),
        tiles(tile_rows(columns, desc.rows)),
        rows(desc.rows),
        channels(desc.channels) {}

  // Scratch bytes of a call that keeps `parts` sums per channel and tile, and `wide` arrays of
  // coefficients as long as a wide row.
  int64_t scratch(int64_t parts, int64_t wide) const {
    return Arena::bytes_of<float>(tiles.count * parts * channels) +
           2 * Arena::bytes_of<double>(channels) + wide * Arena::bytes_of<float>(columns.width);
  }
  double cost(int64_t bytes_per_element) const {
    return static_cast<double>(rows * channels * bytes_per_element) * kNsPerByte;
  }

  Columns columns;
  RowTiles tiles;
  int64_t rows, channels;
};

// Calls fn(begin, end) for blocks of channels.
template <class Fn>
HS_INLINE void for_channels(const Shape& shape, const Fn& fn) {
  for_spans(shape.channels, kMergeChannels, static_cast<double>(2 * shape.tiles.count), fn);
}

// Calls fn(first element, rows) for all tiles, in the order of from_middle().
template <class Fn>
HS_INLINE void for_tiles_again(const Shape& shape, int64_t bytes_per_element, const Fn& fn) {
  parallel_for(shape.tiles.count, shape.cost(bytes_per_element), [&](int64_t i) {
    const int64_t tile = from_middle(i, shape.tiles.count);
    fn(shape.tiles.begin(tile) * shape.channels, shape.tiles.size(tile, shape.rows));
  });
}

template <class T>
void apply_forward(const Shape& shape, hs_activation activation, const Forward& f, const void* x,
                   const void* residual, void* y) {
  const T* from = static_cast<const T*>(x);
  const T* added = static_cast<const T*>(residual);
  T* to = static_cast<T*>(y);
  // Not if y is written in place: its cache lines have just been read.
  const bool stream =
      to != from && to != added && can_stream(shape.columns, to, shape.rows * shape.channels);
  with_flag(activation == HS_RELU, [&](auto relu) {
    with_flag(residual != nullptr, [&](auto has_residual) {
      with_lanes(stream, [&](auto lanes) {
        for_tiles_again(shape, 2 * sizeof(T), [&](int64_t at, int64_t rows) {
          normalize_rows<typename decltype(lanes)::type, decltype(relu)::value != 0,
                         decltype(has_residual)::value != 0>(
              shape.columns, rows * shape.channels, f, from + at, behind(added, at), to + at);
        });
      });
    });
  });
}

template <class T>
void run_training(const BatchNormTrainingArgs& args) {
  const hs_batch_norm_desc& desc = args.desc;
  const Shape shape(desc);
  const T* x = static_cast<const T*>(args.x);
  Arena arena(shape.scratch(kMomentParts, 3));
  float* partials = arena.take<float>(shape.tiles.count * kMomentParts * shape.channels);
  double* means = arena.take<double>(shape.channels);
  double* squares = arena.take<double>(shape.channels);
  float* mean = arena.take<float>(shape.columns.width);
  float* scale = arena.take<float>(shape.columns.width);
  float* shift = arena.take<float>(shape.columns.width);

  parallel_for(shape.tiles.count, shape.cost(sizeof(T)), [&](int64_t tile) {
    float* scratch = static_cast<float*>(
        thread_scratch(Scratch::kTile, 3 * shape.columns.width * int64_t{sizeof(float)}));
    tile_moments(shape.columns, x + shape.tiles.begin(tile) * shape.channels,
                 shape.tiles.size(tile, shape.rows), scratch,
                 partials + tile * kMomentParts * shape.channels);
  });
  for_channels(shape, [&](int64_t begin, int64_t end) {
    merge_moments(partials, shape.channels, shape.tiles, shape.rows, begin, end, means, squares);
    const double n = static_cast<double>(shape.rows), momentum = static_cast<double>(desc.momentum);
    for (int64_t c = begin; c < end; c++) {
      const double invstd = 1 / __builtin_sqrt(squares[c] / n + static_cast<double>(desc.eps));
      args.saved_mean[c] = static_cast<float>(means[c]);
      args.saved_invstd[c] = static_cast<float>(invstd);
      scale[c] = static_cast<float>(invstd * static_cast<double>(args.gamma[c]));
      const auto move = [=](float old, double observed) {
        return static_cast<float>((1 - momentum) * static_cast<double>(old) + momentum * observed);
      };
      args.running_mean[c] = move(args.running_mean[c], means[c]);
      args.running_variance[c] = move(args.running_variance[c], squares[c] / (n - 1));
    }
  });
  repeat_columns(shape.columns, args.saved_mean, 0, mean);
  repeat_columns(shape.columns, scale, 0, scale);
  repeat_columns(shape.columns, args.beta, 0, shift);
  apply_forward<T>(shape, desc.activation, {mean, scale, shift}, args.x, args.residual, args.y);
}

template <class T>
void run_inference(const BatchNormInferenceArgs& args) {
  const Shape shape(args.desc);
  Arena arena(shape.scratch(0, 3));
  float* mean = arena.take<float>(shape.columns.width);
  float* scale = arena.take<float>(shape.columns.width);
  float* shift = arena.take<float>(shape.columns.width);
  for (int64_t c = 0; c < shape.channels; c++) {
    const double variance = static_cast<double>(args.running_variance[c]);
    const double invstd = 1 / __builtin_sqrt(variance + static_cast<double>(args.desc.eps));
    scale[c] = static_cast<float>(invstd * static_cast<double>(args.gamma[c]));
  }
  repeat_columns(shape.columns, args.running_mean, 0, mean);
  repeat_columns(shape.columns, scale, 0, scale);
  repeat_columns(shape.columns, args.beta, 0, shift);
  apply_forward<T>(shape, args.desc.activation, {mean, scale, shift}, args.x, args.residual,
                   args.y);
}

template <class T>
void run_backward(const BatchNormBackwardArgs& args) {
  const hs_batch_norm_desc& desc = args.desc;
  const Shape shape(desc);
  const T* dy = static_cast<const T*>(args.dy);
  const T* x = static_cast<const T*>(args.x);
  const T* y = static_cast<const T*>(args.y);
  T* dx = static_cast<T*>(args.dx);
  T* d_residual = static_cast<T*>(args.d_residual);
  Arena arena(shape.scratch(kGradientParts, 4));
  float* partials = arena.take<float>(shape.tiles.count * kGradientParts * shape.channels);
  double* sums = arena.take<double>(shape.channels);
  double* products = arena.take<double>(shape.channels);
  float* mean = arena.take<float>(shape.columns.width);
  float* scale = arena.take<float>(shape.columns.width);
  float* slope = arena.take<float>(shape.columns.width);
  float* offset = arena.take<float>(shape.columns.width);
  repeat_columns(shape.columns, args.saved_mean, 0, mean);

  with_flag(desc.activation == HS_RELU, [&](auto flag) {
    constexpr bool relu = decltype(flag)::value != 0;
    parallel_for(shape.tiles.count, shape.cost(2 * sizeof(T)), [&](int64_t tile) {
      const int64_t at = shape.tiles.begin(tile) * shape.channels;
      float* scratch = static_cast<float*>(
          thread_scratch(Scratch::kTile, 2 * shape.columns.width * int64_t{sizeof(float)}));
      tile_gradients<relu>(shape.columns, dy + at, x + at, behind(y, at),
                           shape.tiles.size(tile, shape.rows), mean, scratch,
                           partials + tile * kGradientParts * shape.channels);
    });
    for_channels(shape, [&](int64_t begin, int64_t end) {
      merge_gradients(partials, shape.channels, shape.tiles.count, begin, end, sums, products);
      const double n = static_cast<double>(shape.rows);
      for (int64_t c = begin; c < end; c++) {
        const double invstd = static_cast<double>(args.saved_invstd[c]);
        const double factor = invstd * static_cast<double>(args.gamma[c]);
        scale[c] = static_cast<float>(factor);
        slope[c] = static_cast<float>(factor * invstd * invstd * products[c] / n);
        offset[c] = static_cast<float>(factor * sums[c] / n);
        accumulate_into(args.d_gamma + c, products[c] * invstd, args.accumulate);
        accumulate_into(args.d_beta + c, sums[c], args.accumulate);
      }
    });
    repeat_columns(shape.columns, scale, 0, scale);
    repeat_columns(shape.columns, slope, 0, slope);
    repeat_columns(shape.columns, offset, 0, offset);
    const int64_t count = shape.rows * shape.channels;
    const auto can = [&](const T* out) {
      return out != dy && can_stream(shape.columns, out, count);
    };
    const bool stream = can(dx) && (d_residual == nullptr || can(d_residual));
    with_lanes(stream, [&](auto lanes) {
      for_tiles_again(shape, 3 * sizeof(T), [&](int64_t at, int64_t rows) {
        differentiate_rows<typename decltype(lanes)::type, relu>(
            shape.columns, rows * shape.channels, {mean, scale, slope, offset}, dy + at, x + at,
            behind(y, at), dx + at, behind(d_residual, at));
      });
    });
  });
}

}  // namespace

void batch_norm_training(const BatchNormTrainingArgs& args) {
  with_storage(args.desc.type,
               [&](auto type) { run_training<typename decltype(type)::type>(args); });
}

void batch_norm_inference(const BatchNormInferenceArgs& args) {
  with_storage(args.desc.type,
               [&](auto type) { run_inference<typename decltype(type)::type>(args); });
}

void batch_norm_backward(const BatchNormBackwardArgs& args) {
  with_storage(args.desc.type,
               [&](auto type) { run_backward<typename decltype(type)::type>(args); });
}

}  // namespace hs::cpu::HS_ISA
