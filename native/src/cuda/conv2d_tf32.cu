// The products of a convolution of FP32 whose operands are rounded to TF32; see conv2d.cu.
#include "cuda/conv2d_tensor.h"

namespace hs::cuda {

hs_status conv2d_tf32(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                      const ConvOperands& conv) {
  return conv2d_on_tensor_cores<float>(stream, product, args, conv);
}

}  // namespace hs::cuda
