// Products of matrices of FP32 by fma; instance.h says why this is a file of its own.
#include "cuda/product/engine_fma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Fma>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
