// Declarations that the convolution kernels share: windows, the loop that runs a register kernel
// over a panel, the epilogue of a sum, and partial sums of weight gradients.
#ifndef HALFSTEP_CPU_KERNELS_CONV2D_H
#define HALFSTEP_CPU_KERNELS_CONV2D_H

#include "cpu/kernels/conv2d_window.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/matmul_micro.h"
#include "cpu/kernels/matmul_plan.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {

HS_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
HS_INLINE int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
HS_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
HS_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// The approximate time of one vector multiply-add on one thread.
inline constexpr double kNsPerFma = 0.25;

// The window that the forward pass slides over x.
Window forward_window(const hs_conv2d_desc& d);

// The window of one phase of the gradient. dx is computed by one convolution of dy for each phase
// (row, column) of the strides: all pixels of dx whose row is `row` and whose column is `column`
// modulo the strides use the same taps.
Window backward_window(const hs_conv2d_desc& d, int64_t row, int64_t column);

// The epilogue: output = activation(sum + beta * output + bias); aux receives the value before the
// activation.
struct Finish {
  hs_dtype type;
  hs_activation activation;
  float beta;
  const float* bias;  // or null
  void* aux;          // or null
  void* out;          // [images, rows.out_extent, columns.out_extent, channels]
  int64_t channels;
};

// Applies the epilogue to a vector of sums x and stores it at element `at` of the output; its first
// lane is channel c.
template <class T>
HS_INLINE void finish_vector(const Finish& f, int64_t at, int64_t c, vf x, auto lanes) {
  T* out = static_cast<T*>(f.out) + at;
  if (f.beta != 0) x = load(out, lanes) * f.beta + x;
  if (f.bias != nullptr) x = x + load(f.bias + c, lanes);
  if (f.aux != nullptr) store(static_cast<T*>(f.aux) + at, x, lanes);
  if (f.activation == HS_RELU) x = max(vf{}, x);  // in this order NaN stays NaN
  if (f.activation == HS_GELU) x = gelu(x);
  store(out, x, lanes);
}

// The element at which output (row, column) of an image begins.
HS_INLINE int64_t output_at(const Window& w, const Finish& f, int64_t image, int64_t row,
                            int64_t column) {
  const int64_t y = w.rows.out_first + row * w.rows.out_step;
  const int64_t x = w.columns.out_first + column * w.columns.out_step;
  return ((image * w.rows.out_extent + y) * w.columns.out_extent + x) * f.channels;
}

// Runs the register kernel over `rows` rows of one panel of at most kMaxVectors vectors of columns;
// `tile` describes the first rows.
HS_INLINE void run_panel(OuterTile tile, int64_t rows, int64_t columns) {
  const int64_t vectors = ceil_div(columns, kLanes);
  const int64_t last = columns - (vectors - 1) * kLanes;
  tile.tail = first_lanes(last);
  const Cut parts = cut(rows, ceil_div(rows, kMostRows[vectors]));
  for (int64_t i = 0; i < parts.parts; ++i) {
    const int64_t height = parts.begin(i + 1) - parts.begin(i);
    outer_kernel(static_cast<int>(height), static_cast<int>(vectors), last != kLanes)(tile);
    tile.a += height * tile.a_row;
    tile.c += height * tile.ldc;
  }
}

// Partial sums of the gradients of weights and bias: [chunks, groups, rows, columns]. A group has
// `depth` rows of weights, then (with_bias) one row of the bias, and a column for each of its
// output channels. A chunk is a range of pixels; chunks are added in order.
struct PartialSums {
  float* sums;
  int64_t chunks, groups, depth, columns;
  bool with_bias;

  int64_t rows() const { return depth + (with_bias ? 1 : 0); }
  int64_t size() const { return chunks * groups * rows() * columns; }
  float* at(int64_t chunk, int64_t group) const {
    return sums + (chunk * groups + group) * rows() * columns;
  }
};

// Adds the partial sums up to the gradients of the weights [groups * columns, depth] and of the
// bias [groups * columns].
void add_partial_sums(const PartialSums& partial, const Conv2dBackwardWeightsArgs& args);

// Depthwise convolutions, with one filter for each channel; they are not computed as matrix
// products.
HS_INLINE bool is_depthwise(const hs_conv2d_desc& d) { return d.c == d.groups && d.k == d.groups; }
void depthwise(const Window& w, hs_dtype type, const void* source, const void* weights,
               int64_t window_columns, int64_t window_size, const Finish& finish);
void depthwise_backward_weights(const Conv2dBackwardWeightsArgs& args);

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_CONV2D_H
