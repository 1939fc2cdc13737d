// What batch and group normalisation share. Both see x as samples of [rows, channels], whose
// channels are normalised in groups: batch normalisation is one sample, each channel a group of its
// own. A sample is cut into tiles of rows; a tile gives sums for each channel, which are merged in
// double, in order; then each element is moved by coefficients of its channel.
#ifndef HALFSTEP_CPU_KERNELS_NORMALIZATION_H
#define HALFSTEP_CPU_KERNELS_NORMALIZATION_H

#include "core/kernels.h"
#include "cpu/kernels/columns.h"

namespace hs::cpu::HS_ISA {

// Memory of one call, cut up from the front.
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

// A kernel for what is fused: fn(Constant<relu>{}).
template <class Fn>
HS_INLINE void with_flag(bool flag, const Fn& fn) {
  if (flag) {
    fn(Constant<1>{});
  } else {
    fn(Constant<0>{});
  }
}

// Tiles of rows, of about kTileElements, whole wide rows but for the last.
struct RowTiles {
  int64_t rows;  // of a tile
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

// The order of a second pass over tiles. The pool's caller goes up from the first tile and another
// thread down from the last: from the middle outwards, each finds what it left in its cache.
HS_INLINE int64_t from_middle(int64_t tile, int64_t count) {
  const int64_t half = count / 2;
  return tile < half ? half - 1 - tile : half + (count - 1 - tile);
}

// ---- statistics: for each channel of a tile its pivot, the median of its first, middle and last
// row's values, and the sums of the distances from it and of their squares. Since the pivot is one
// of the values, the squares that are lost to it are at most as many times the variance as the tile
// has rows, whatever the mean; and since it is a median, one outlier does not cost them. ----

inline constexpr int64_t kMomentParts = 3;

// Writes partial [kMomentParts, channels]. `scratch` is F32 [3 * width].
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

// Merges the tiles' moments of channels [begin, end): means, and sums of squared distances from
// them.
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

// ---- moving the elements: y = (x - mean) scale + shift ----

struct Forward {
  const float* mean;  // of a wide row, like the others
  const float* scale;
  const float* shift;
};

// Adds the residual where there is one; ReLU keeps NaN.
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

// ---- gradients: for each channel of a tile the sums of g and of g (x - mean), where g is dy, or
// dy where y > 0 ----

inline constexpr int64_t kGradientParts = 2;

template <bool relu, class T>
HS_INLINE vf gradient_of(const T* dy, const T* y, int64_t i, auto lanes) {
  const vf g = load(dy + i, lanes);
  if constexpr (!relu) return g;
  return load(y + i, lanes) > 0.0f ? g : vf{};
}

// Writes partial [kGradientParts, channels]; `mean` is of a wide row, `scratch` F32 [2 * width].
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

// A parameter's gradient: value + factor * what is there, which is not read where the factor is 0.
HS_INLINE void accumulate_into(float* gradient, double value, float factor) {
  if (factor != 0) value += static_cast<double>(factor) * static_cast<double>(*gradient);
  *gradient = static_cast<float>(value);
}

// dx = scale g - slope (x - mean) - offset
struct Backward {
  const float* mean;  // of a wide row, like the others
  const float* scale;
  const float* slope;
  const float* offset;
};

// `masked` receives g, or is null.
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

// Group normalisation at a single position, group_norm_layer.cpp.
void layer_norm(const GroupNormArgs& args);
void layer_norm_backward(const GroupNormBackwardArgs& args);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_NORMALIZATION_H
