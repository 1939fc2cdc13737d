// Products of matrices of FP16 by mma; why they have a file: instance.h.
#include "cuda/product/engine_mma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Mma<F16>>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
