// Small matrices of FP16, packed; why they have a file: instance.h.
#include "cuda/product/engine_packed.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Packed<F16>>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
