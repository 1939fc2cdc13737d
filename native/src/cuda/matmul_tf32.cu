// The product of FP32 matrices whose operands are rounded to TF32; see matmul.cu.
#include "cuda/matmul_tensor.h"

namespace hs::cuda {

hs_status matmul_tf32(const Stream& stream, const MatmulArgs& args) {
  return with_layout(args.desc, [&](auto transpose_a, auto transpose_b) {
    return matmul_in_tiles<float, transpose_a, transpose_b>(stream, args);
  });
}

}  // namespace hs::cuda
