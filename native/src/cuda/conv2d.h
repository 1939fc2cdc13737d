// The three products of a convolution, whatever computes their tiles; see conv2d.cu for the design.
#ifndef HALFSTEP_CUDA_CONV2D_H
#define HALFSTEP_CUDA_CONV2D_H

#include "cuda/matmul_parts.h"
#include "cuda/operands.h"

namespace hs::cuda {

enum class ConvProduct { kForward, kData, kWeights };

// What the operands need beside MatmulArgs. Each group is a matrix of the batch: strides lead from
// group to group.
struct ConvOperands {
  Window window;
  std::int64_t taps;
};

// Which operands are stored with k last: A [m, k], or [k, m]; B [k, n], or [n, k].
template <ConvProduct kProduct>
constexpr bool kConvTransposeA = kProduct == ConvProduct::kWeights;
template <ConvProduct kProduct>
constexpr bool kConvTransposeB = kProduct == ConvProduct::kForward;

// Calls multiply(a, b, vectors) with the operands of a tile's group.
template <ConvProduct kProduct, class T, class Multiply>
HS_DEVICE void with_conv_operands(const MatmulArgs& args, const ConvOperands& conv,
                                  const MatmulTile& tile, const Multiply& multiply) {
  const hs_matmul_desc& desc = args.desc;
  const T* at_a = static_cast<const T*>(args.a) + tile.matrix * desc.stride_a;
  const T* at_b = static_cast<const T*>(args.b) + tile.matrix * desc.stride_b;
  const MatmulVectors vectors(args, tile.matrix, true);
  if constexpr (kProduct == ConvProduct::kForward) {
    multiply(WindowMatrix<T>(conv.window, at_a, desc.m, tile.k_end),
             StoredMatrix<T>(at_b, desc.ldb, desc.n, tile.k_end), vectors);
  } else if constexpr (kProduct == ConvProduct::kData) {
    multiply(WindowMatrix<T>(conv.window, at_a, desc.m, tile.k_end),
             FilterMatrix<T>(at_b, conv.window.of_channels, conv.taps, tile.k_end, desc.n),
             vectors);
  } else {
    multiply(StoredMatrix<T>(at_a, desc.lda, tile.k_end, desc.m),
             WindowMatrix<T>(conv.window, at_b, tile.k_end, desc.n), vectors);
  }
}

// The product in FP32, by FMA and of operands rounded to TF32, and in the 16-bit types.
hs_status conv2d_f32(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                     const ConvOperands& conv);
hs_status conv2d_tf32(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                      const ConvOperands& conv);
hs_status conv2d_bf16(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                      const ConvOperands& conv);
hs_status conv2d_f16(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                     const ConvOperands& conv);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_CONV2D_H
