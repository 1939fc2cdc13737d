// The products of a convolution of BF16; see conv2d.cu.
#include "cuda/conv2d_tensor.h"

namespace hs::cuda {

hs_status conv2d_bf16(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                      const ConvOperands& conv) {
  return conv2d_on_tensor_cores<Bf16>(stream, product, args, conv);
}

}  // namespace hs::cuda
