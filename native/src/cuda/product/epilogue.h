// The epilogue: turns a tile's sums into elements of C (scale, old C, bias, aux, activation, bias
// gradient) and writes them to memory.
#ifndef HALFSTEP_CUDA_PRODUCT_EPILOGUE_H
#define HALFSTEP_CUDA_PRODUCT_EPILOGUE_H

#include "core/kernels.h"
#include "cuda/activation_math.h"
#include "cuda/elementwise.h"
#include "cuda/platform.h"
#include "cuda/product/plan.h"

namespace hs::cuda {

// A finished tile in shared memory, from where it is written to memory row by row. Groups of eight
// columns are permuted within a row, so that the rows that a warp writes at one column lie in
// different banks. kColumns is a power of two.
template <int kRows, int kColumns>
struct ResultTile {
  float element[kRows * kColumns];
  HS_DEVICE float* at(int row, int column) {
    return element + row * kColumns + (column ^ (row % 4 * 8 & (kColumns - 1)));
  }
};

// Writes the finished elements of one matrix to C and aux, whose type is T or FP32.
template <class T>
class ProductOutput {
 public:
  static constexpr int kCount = 4;  // neighbours in a row that are computed together

  // `bias` is the bias of this matrix, or null.
  HS_DEVICE ProductOutput(const MatmulArgs& args, const ProductCut& cut, std::int64_t matrix,
                          const float* bias)
      : args_(args), bias_(bias), first_(matrix * args.desc.stride_c), whole_(cut.whole_c) {}

  // Writes the tile that begins at (row, column) with kThreads threads, of which this one has
  // number `thread`. A thread writes the same columns of every kRowsAtOnce-th row.
  template <unsigned kThreads, int kRows, int kColumns>
  HS_DEVICE void put_tile(ResultTile<kRows, kColumns>& tile, std::int64_t row, std::int64_t column,
                          unsigned thread) const {
    constexpr int kRowsAtOnce = static_cast<int>(kThreads) * kCount / kColumns;
    static_assert(kRows % kRowsAtOnce == 0);
    const hs_matmul_desc& desc = args_.desc;
    const int first = static_cast<int>(thread) * kCount;
    const int r = first / kColumns, c = first % kColumns;
    const std::int64_t left = desc.n - column - c, rows = desc.m - row - r;
    if (left <= 0) return;
    const int count = left < kCount ? static_cast<int>(left) : kCount;
    float bias[kCount] = {};
    if (bias_ != nullptr) {
      HS_UNROLL for (int e = 0; e < kCount; ++e) bias[e] = e < count ? bias_[column + c + e] : 0.0f;
    }
    std::int64_t at = first_ + (row + r) * desc.ldc + column + c;
    for (int i = 0; i < kRows && i < rows; i += kRowsAtOnce, at += kRowsAtOnce * desc.ldc) {
      float x[kCount];
      load_elements(tile.at(r + i, c), x);
      finish(at, count, bias, x);
    }
  }

 private:
  HS_DEVICE void finish(std::int64_t at, int count, const float (&bias)[kCount],
                        float (&x)[kCount]) const {
    const hs_matmul_desc& desc = args_.desc;
    HS_UNROLL for (float& e : x) e *= desc.alpha;
    if (desc.beta != 0) {
      float old[kCount] = {};
      read(old, at, count);
      HS_UNROLL for (int e = 0; e < kCount; ++e) x[e] += desc.beta * old[e];
    }
    if (bias_ != nullptr) {
      HS_UNROLL for (int e = 0; e < kCount; ++e) x[e] += bias[e];
    }
    if (args_.aux != nullptr) write(args_.aux, at, count, x);
    HS_UNROLL for (float& e : x) e = activate(desc.activation, e);
    write(args_.c, at, count, x);
  }

  HS_DEVICE void read(float (&x)[kCount], std::int64_t at, int count) const {
    if (args_.desc.out_type == HS_F32) {
      read_as(static_cast<const float*>(args_.c) + at, count, x);
    } else {
      read_as(static_cast<const T*>(args_.c) + at, count, x);
    }
  }

  HS_DEVICE void write(void* to, std::int64_t at, int count, const float (&x)[kCount]) const {
    if (args_.desc.out_type == HS_F32) {
      write_as(static_cast<float*>(to) + at, count, x);
    } else {
      write_as(static_cast<T*>(to) + at, count, x);
    }
  }

  template <class Out>
  HS_DEVICE void read_as(const Out* from, int count, float (&x)[kCount]) const {
    if (whole_ && count == kCount) return load_elements(from, x);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      if (e < count) x[e] = to_float(from[e]);
    }
  }

  template <class Out>
  HS_DEVICE void write_as(Out* to, int count, const float (&x)[kCount]) const {
    if (whole_ && count == kCount) return store_elements(to, x);
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      if (e < count) to[e] = from_float<Out>(x[e]);
    }
  }

  const MatmulArgs& args_;
  const float* bias_;
  std::int64_t first_;  // the matrix's first element in C and aux
  bool whole_;          // whether groups of kCount columns are aligned
};

// Writes the bias gradient of one row; `at` is the bias gradient of the matrix.
HS_DEVICE void put_bias_grad(const MatmulArgs& args, float* at, std::int64_t row, float sum) {
  if (row >= args.desc.m) return;
  float beta = args.desc.bias_grad_beta;
  at[row] = beta != 0 ? sum + beta * at[row] : sum;
}

// The bias and the bias gradient of a tile's matrix. The matrices of a batch share them; each group
// of a convolution has its own.
struct ProductVectors {
  const float* bias;
  float* bias_grad;
  HS_DEVICE ProductVectors(const MatmulArgs& args, std::int64_t matrix, bool of_groups)
      : bias(args.bias), bias_grad(args.bias_grad) {
    if (of_groups && bias != nullptr) bias += matrix * args.desc.n;
    if (of_groups && bias_grad != nullptr) bias_grad += matrix * args.desc.m;
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_EPILOGUE_H
