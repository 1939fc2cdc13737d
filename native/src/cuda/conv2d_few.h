// Convolutions whose windows hold few values, without tiles of matrix products: conv2d_few.cu.
#ifndef HALFSTEP_CUDA_CONV2D_FEW_H
#define HALFSTEP_CUDA_CONV2D_FEW_H

#include "cuda/conv2d.h"

namespace hs::cuda {

// Whether conv2d_few has this convolution. Where tiles read whole runs of channels, they stay.
bool has_few_inputs(const hs_conv2d_desc& desc);

// The output, or the gradients of weights and bias.
hs_status conv2d_few(const Stream& stream, hs_dtype type, ConvProduct product,
                     const MatmulArgs& args, const ConvOperands& conv);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_CONV2D_FEW_H
