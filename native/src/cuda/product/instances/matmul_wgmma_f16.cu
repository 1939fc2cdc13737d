// Products of matrices of FP16 by wgmma; why they have a file: instance.h.
#include "cuda/product/engine_wgmma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Wgmma<F16>>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
