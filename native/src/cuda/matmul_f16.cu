// The product of FP16 matrices; see matmul.cu.
#include "cuda/matmul_packed.h"

namespace hs::cuda {

hs_status matmul_f16(const Stream& stream, const MatmulArgs& args) {
  return matmul_on_tensor_cores<F16>(stream, args);
}

}  // namespace hs::cuda
