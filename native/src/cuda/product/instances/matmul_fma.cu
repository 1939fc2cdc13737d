// Products of matrices of FP32 by fma; why they have a file: instance.h.
#include "cuda/product/engine_fma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Fma>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
