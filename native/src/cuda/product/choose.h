// Decides how a product is computed, for matmul and for convolutions. No other code decides this.
#ifndef HALFSTEP_CUDA_PRODUCT_CHOOSE_H
#define HALFSTEP_CUDA_PRODUCT_CHOOSE_H

#include <cstdint>

#include "core/kernels.h"
#include "cuda/product/plan.h"
#include "cuda/stream.h"

namespace hs::cuda {

// The kind of A and B: matrices in memory, or the operands of one of a convolution's three
// products, whose matrices of windows are never stored (source.h).
enum class Operands { kMatrices, kForward, kData, kWeights };

// The properties of a product on which the choice depends: C [m, n] = A B, summed over k, for each
// matrix of the batch (for a convolution: each group).
struct Product {
  Operands operands = Operands::kMatrices;
  hs_dtype type = HS_F32;
  bool tf32 = false;                              // whether operands of FP32 may be rounded to TF32
  bool transpose_a = false, transpose_b = false;  // true: A is stored [k, m], B [n, k]
  bool bias_grad = false;
  std::int64_t batch = 1, m = 0, n = 0, k = 0;
  std::int64_t channels = 0;  // channels of the image that windows are cut from
  // aligned_a and aligned_b: the largest number of bytes, at most 16, that divides addresses and
  // strides of A and of B. whole_c: four elements of C and aux can be written at once.
  std::size_t aligned_a = 16, aligned_b = 16;
  bool whole_c = true;
};

Product describe(const MatmulArgs& args, Operands operands, std::int64_t channels);

ProductPlan choose(const Product& product, const Stream& device);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_CHOOSE_H
