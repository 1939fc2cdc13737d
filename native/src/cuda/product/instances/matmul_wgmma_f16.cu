// Products of matrices of FP16 by wgmma; instance.h says why this is a file of its own.
#include "cuda/product/engine_wgmma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Wgmma<F16>>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
