// The sources of a product's operands: matrices in memory, or the images and filters of a
// convolution. A source says whether A [m, k] and B [k, n] are stored transposed, and makes the
// operands (operands.h) of the matrix that a block works on. `Parameters` are those that it needs
// besides MatmulArgs.
#ifndef HALFSTEP_CUDA_PRODUCT_SOURCE_H
#define HALFSTEP_CUDA_PRODUCT_SOURCE_H

#include "cuda/product/choose.h"
#include "cuda/product/epilogue.h"
#include "cuda/product/operands.h"
#include "cuda/product/part.h"

namespace hs::cuda {

// A is stored [m, k], or [k, m] if kOfA; B [k, n], or [n, k] if kOfB.
template <bool kOfA, bool kOfB>
struct Matrices {
  static constexpr Operands kOperands = Operands::kMatrices;
  static constexpr bool kTransposeA = kOfA, kTransposeB = kOfB;
  struct Parameters {};

  // Calls multiply(a, b, vectors) with the operands of the block's matrix.
  template <class T, class Multiply>
  HS_DEVICE static void with_operands(const MatmulArgs& args, const ProductCut& cut,
                                      const Parameters&, const BlockPart& part,
                                      const Multiply& multiply) {
    const hs_matmul_desc& desc = args.desc;
    const T* at_a = static_cast<const T*>(args.a) + part.matrix * desc.stride_a;
    const T* at_b = static_cast<const T*>(args.b) + part.matrix * desc.stride_b;
    multiply(StoredMatrix<T>(at_a, desc.lda, kOfA ? part.k_end : desc.m, kOfA ? desc.m : part.k_end,
                             cut.width_a),
             StoredMatrix<T>(at_b, desc.ldb, kOfB ? desc.n : part.k_end, kOfB ? part.k_end : desc.n,
                             cut.width_b),
             ProductVectors(args, part.matrix, false));
  }
};

struct ConvParameters {
  Window window;
  std::int64_t taps;
};

// One of a convolution's three products; see conv2d.cu. Each group is a matrix of the batch: the
// strides are the distances between groups.
template <Operands kProduct>
struct Convolution {
  static constexpr Operands kOperands = kProduct;
  static constexpr bool kTransposeA = kProduct == Operands::kWeights;
  static constexpr bool kTransposeB = kProduct == Operands::kForward;
  using Parameters = ConvParameters;

  template <class T, class Multiply>
  HS_DEVICE static void with_operands(const MatmulArgs& args, const ProductCut& cut,
                                      const Parameters& conv, const BlockPart& part,
                                      const Multiply& multiply) {
    const hs_matmul_desc& desc = args.desc;
    const T* at_a = static_cast<const T*>(args.a) + part.matrix * desc.stride_a;
    const T* at_b = static_cast<const T*>(args.b) + part.matrix * desc.stride_b;
    const ProductVectors vectors(args, part.matrix, true);
    if constexpr (kProduct == Operands::kForward) {
      multiply(WindowMatrix<T>(conv.window, at_a, desc.m, part.k_end, cut.width_a),
               StoredMatrix<T>(at_b, desc.ldb, desc.n, part.k_end, cut.width_b), vectors);
    } else if constexpr (kProduct == Operands::kData) {
      multiply(WindowMatrix<T>(conv.window, at_a, desc.m, part.k_end, cut.width_a),
               FilterMatrix<T>(at_b, conv.window.of_channels, conv.taps, part.k_end, desc.n,
                               cut.width_b),
               vectors);
    } else {
      multiply(StoredMatrix<T>(at_a, desc.lda, part.k_end, desc.m, cut.width_a),
               WindowMatrix<T>(conv.window, at_b, part.k_end, desc.n, cut.width_b), vectors);
    }
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_SOURCE_H
