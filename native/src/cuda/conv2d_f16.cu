// The products of a convolution of FP16; see conv2d.cu.
#include "cuda/conv2d_tensor.h"

namespace hs::cuda {

hs_status conv2d_f16(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                     const ConvOperands& conv) {
  return conv2d_on_tensor_cores<F16>(stream, product, args, conv);
}

}  // namespace hs::cuda
