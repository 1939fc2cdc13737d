// The one place that decides how a product is computed, be it a call of matmul or a convolution.
#ifndef HALFSTEP_CUDA_PRODUCT_CHOOSE_H
#define HALFSTEP_CUDA_PRODUCT_CHOOSE_H

#include <cstdint>

#include "core/kernels.h"
#include "cuda/product/plan.h"
#include "cuda/stream.h"

namespace hs::cuda {

// What A and B are: matrices in memory, or those of one of a convolution's three products, whose
// windows are never in memory (source.h).
enum class Operands { kMatrices, kForward, kData, kWeights };

// What decides about a product C [m, n] = A B, summed over k, of each matrix of the batch (of a
// convolution: of each group).
struct Product {
  Operands operands = Operands::kMatrices;
  hs_dtype type = HS_F32;
  bool tf32 = false;                              // whether operands of FP32 may be rounded to TF32
  bool transpose_a = false, transpose_b = false;  // A is stored [k, m], B [n, k]
  bool bias_grad = false;
  std::int64_t batch = 1, m = 0, n = 0, k = 0;
  std::int64_t channels = 0;  // of the image that windows are cut from
  // Bytes, 16 or less, that divide addresses and strides of A and B; whether four elements of C and
  // aux can be written at once.
  std::size_t aligned_a = 16, aligned_b = 16;
  bool whole_c = true;
};

Product describe(const MatmulArgs& args, Operands operands, std::int64_t channels);

ProductPlan choose(const Product& product, const Stream& device);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_CHOOSE_H
