// Products of small matrices of FP16 by packed; instance.h says why this is a file of its own.
#include "cuda/product/engine_packed.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Packed<F16>>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
