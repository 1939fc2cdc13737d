// Functions that batch and group normalisation share. Both treat x as samples [rows, channels]
// whose channels are normalised in groups; for batch normalisation there is one sample, and each
// channel is a group. A sample is cut into tiles of rows. Each tile computes sums for each channel;
// these are merged in double, in order; then each element is computed from coefficients of its
// channel.
#ifndef HALFSTEP_CPU_KERNELS_NORMALIZATION_H
#define HALFSTEP_CPU_KERNELS_NORMALIZATION_H

#include "core/kernels.h"
#include "cpu/kernels/columns.h"

namespace hs::cpu::HS_ISA {

// The scratch memory of one call; take() cuts arrays from its front.
class Arena {
 public:
  explicit Arena(int64_t bytes)
      : at_(static_cast<uint8_t*>(thread_scratch(Scratch::kCall, bytes))) {}
  template <class T>
  T* take(int64_t count) {
    T* const block = reinterpret_cast<T*>(at_);
    at_ += bytes_of<T>(count);
    return block;
  }
  template <class T>
  static int64_t bytes_of(int64_t count) {
    return (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
  }

 private:
  uint8_t* at_;
};

// Turns a flag into a compile-time constant: calls fn(Constant<1>{}) or fn(Constant<0>{}).
template <class Fn>
HS_INLINE void with_flag(bool flag, const Fn& fn) {
  if (flag) {
    fn(Constant<1>{});
  } else {
    fn(Constant<0>{});
  }
}

// Tiles of rows. A tile has about kTileElements elements; all but the last are whole wide rows.
struct RowTiles {
  int64_t rows;  // rows of a tile
  int64_t count;

  HS_INLINE int64_t begin(int64_t tile) const { return tile * rows; }
  HS_INLINE int64_t size(int64_t tile, int64_t all) const {
    return all - tile * rows < rows ? all - tile * rows : rows;
  }
};

HS_INLINE RowTiles tile_rows(const Columns& columns, int64_t rows) {
  constexpr int64_t kTileElements = 32 << 10, kMostTiles = 256, kLeastRows = 16;
  int64_t size = kTileElements / columns.count;
  if (size < kLeastRows) size = kLeastRows;
  if (size < (rows + kMostTiles - 1) / kMostTiles) size = (rows + kMostTiles - 1) / kMostTiles;
  size = (size + columns.fold - 1) / columns.fold * columns.fold;
  return {size, (rows + size - 1) / size};
}

// The order of a second pass over tiles, from the middle outwards. In the first pass the pool's
// caller goes up from the first tile and another thread goes down from the last; so in the second
// pass each begins with the tiles that it read last and that are still in its cache.
HS_INLINE int64_t from_middle(int64_t tile, int64_t count) {
  const int64_t half = count / 2;
  return tile < half ? half - 1 - tile : half + (count - 1 - tile);
}

// ---- Statistics. For each channel of a tile: its pivot, which is the median of its values in the
// first, middle and last row, the sum of the distances from the pivot and the sum of their squares.
// Since the pivot is one of the values, its squared distance from the mean is at most the variance
// times the number of rows, whatever the mean is; that bounds the cancellation when the variance is
// computed. Since it is a median, one outlier cannot be the pivot. ----

inline constexpr int64_t kMomentParts = 3;

// Writes the statistics of a tile to partial [kMomentParts, channels]. `scratch` is F32 [3 *
// width].
template <class T>
HS_INLINE void tile_moments(const Columns& columns, const T* x, int64_t rows, float* scratch,
                            float* partial) {
  const int64_t width = columns.width;
  float* const pivot = scratch;
  float* const sums = scratch + width;
  float* const squares = scratch + 2 * width;
  const T* const middle = x + rows / 2 * columns.count;
  const T* const last = x + (rows - 1) * columns.count;
  for_vectors(0, columns.count, [&](int64_t c, auto lanes) {
    const vf p = load(x + c, lanes), q = load(middle + c, lanes), r = load(last + c, lanes);
    store(partial + c, max(min(p, q), min(max(p, q), r)), lanes);
  });
  repeat_columns(columns, partial, 0, pivot);
  column_sums(columns, rows * columns.count, pivot, sums, squares,
              [=](int64_t i, vf center, auto lanes, vf& sum, vf& square) {
                const vf distance = load(x + i, lanes) - center;
                sum += distance;
                square += distance * distance;
              });
  fold_columns(columns, sums);
  fold_columns(columns, squares);
  const uint64_t bytes = static_cast<uint64_t>(columns.count) * sizeof(float);
  __builtin_memcpy(partial + columns.count, sums, bytes);
  __builtin_memcpy(partial + 2 * columns.count, squares, bytes);
}

// Merges the tiles' statistics of channels [begin, end) to means and sums of squared distances from
// the means.
HS_INLINE void merge_moments(const float* partials, int64_t channels, const RowTiles& tiles,
                             int64_t rows, int64_t begin, int64_t end, double* means,
                             double* squares) {
  for (int64_t c = begin; c < end; c++) means[c] = squares[c] = 0;
  for (int64_t tile = 0; tile < tiles.count; tile++) {
    const float* pivot = partials + tile * kMomentParts * channels;
    const float* sum = pivot + channels;
    const double n = static_cast<double>(tiles.size(tile, rows));
    for (int64_t c = begin; c < end; c++) {
      means[c] += n * static_cast<double>(pivot[c]) + static_cast<double>(sum[c]);
    }
  }
  for (int64_t c = begin; c < end; c++) means[c] /= static_cast<double>(rows);
  for (int64_t tile = 0; tile < tiles.count; tile++) {
    const float* pivot = partials + tile * kMomentParts * channels;
    const float* sum = pivot + channels;
    const float* square = sum + channels;
    const double n = static_cast<double>(tiles.size(tile, rows)), inverse = 1 / n;
    for (int64_t c = begin; c < end; c++) {
      const double offset = static_cast<double>(sum[c]) * inverse;
      const double distance = static_cast<double>(pivot[c]) + offset - means[c];
      const double within = static_cast<double>(square[c]) - static_cast<double>(sum[c]) * offset;
      squares[c] += (within > 0 ? within : 0) + n * distance * distance;
    }
  }
}

// ---- Computing the elements: y = (x - mean) scale + shift ----

struct Forward {
  const float* mean;  // as long as a wide row, like the others
  const float* scale;
  const float* shift;
};

// Computes y for `count` elements: normalises x, adds the residual `added`, applies ReLU, which
// keeps NaN.
template <class Lanes, bool relu, bool residual, class T>
HS_INLINE void normalize_rows(const Columns& columns, int64_t count, const Forward& f, const T* x,
                              const T* added, T* y) {
  const float* const means = f.mean;
  const float* const scales = f.scale;
  const float* const shifts = f.shift;
  for_columns<Lanes>(columns, count, [&](int64_t i, int64_t column, auto lanes) {
    vf value = (load(x + i, lanes) - load(means + column, lanes)) * load(scales + column, lanes) +
               load(shifts + column, lanes);
    if constexpr (residual) value += load(added + i, lanes);
    if constexpr (relu) value = value < 0.0f ? vf{} : value;
    store(y + i, value, lanes);
  });
}

// ---- Gradients. For each channel of a tile: the sums of g and of g (x - mean), where g is dy;
// with ReLU g is dy where y > 0, and 0 elsewhere. ----

inline constexpr int64_t kGradientParts = 2;

template <bool relu, class T>
HS_INLINE vf gradient_of(const T* dy, const T* y, int64_t i, auto lanes) {
  const vf g = load(dy + i, lanes);
  if constexpr (!relu) return g;
  return load(y + i, lanes) > 0.0f ? g : vf{};
}

// Writes the sums of a tile to partial [kGradientParts, channels]. `mean` has the width of a wide
// row, `scratch` is F32 [2 * width].
template <bool relu, class T>
HS_INLINE void tile_gradients(const Columns& columns, const T* dy, const T* x, const T* y,
                              int64_t rows, const float* mean, float* scratch, float* partial) {
  const int64_t width = columns.width;
  float* const sums = scratch;
  float* const products = scratch + width;
  column_sums(columns, rows * columns.count, mean, sums, products,
              [=](int64_t i, vf center, auto lanes, vf& sum, vf& product) {
                const vf g = gradient_of<relu>(dy, y, i, lanes);
                sum += g;
                product += g * (load(x + i, lanes) - center);
              });
  fold_columns(columns, sums);
  fold_columns(columns, products);
  const uint64_t bytes = static_cast<uint64_t>(columns.count) * sizeof(float);
  __builtin_memcpy(partial, sums, bytes);
  __builtin_memcpy(partial + columns.count, products, bytes);
}

// Adds up the tiles' sums of channels [begin, end).
HS_INLINE void merge_gradients(const float* partials, int64_t channels, int64_t tiles,
                               int64_t begin, int64_t end, double* sums, double* products) {
  for (int64_t c = begin; c < end; c++) sums[c] = products[c] = 0;
  for (int64_t tile = 0; tile < tiles; tile++) {
    const float* sum = partials + tile * kGradientParts * channels;
    const float* product = sum + channels;
    for (int64_t c = begin; c < end; c++) {
      sums[c] += static_cast<double>(sum[c]);
      products[c] += static_cast<double>(product[c]);
    }
  }
}

// *gradient = value + factor * *gradient; if factor is 0, *gradient is not read.
HS_INLINE void accumulate_into(float* gradient, double value, float factor) {
  if (factor != 0) value += static_cast<double>(factor) * static_cast<double>(*gradient);
  *gradient = static_cast<float>(value);
}

// dx = scale g - slope (x - mean) - offset
struct Backward {
  const float* mean;  // as long as a wide row, like the others
  const float* scale;
  const float* slope;
  const float* offset;
};

// Computes dx for `count` elements. `masked` receives g, or is null.
template <class Lanes, bool relu, class T>
HS_INLINE void differentiate_rows(const Columns& columns, int64_t count, const Backward& b,
                                  const T* dy, const T* x, const T* y, T* dx, T* masked) {
  const float* const means = b.mean;
  const float* const scales = b.scale;
  const float* const slopes = b.slope;
  const float* const offsets = b.offset;
  for_columns<Lanes>(columns, count, [&](int64_t i, int64_t column, auto lanes) {
    const vf g = gradient_of<relu>(dy, y, i, lanes);
    const vf d = load(x + i, lanes) - load(means + column, lanes);
    const vf rest = load(slopes + column, lanes) * d + load(offsets + column, lanes);
    if (masked != nullptr) store(masked + i, g, lanes);
    store(dx + i, load(scales + column, lanes) * g - rest, lanes);
  });
}

// Group normalisation at a single position; defined in group_norm_layer.cpp.
void layer_norm(const GroupNormArgs& args);
void layer_norm_backward(const GroupNormBackwardArgs& args);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_NORMALIZATION_H
