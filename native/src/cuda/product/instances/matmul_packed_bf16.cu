// Products of small matrices of BF16 by packed; instance.h says why this is a file of its own.
#include "cuda/product/engine_packed.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_matmul<Packed<Bf16>>(const Stream&, const ProductPlan&, const MatmulArgs&);

}  // namespace hs::cuda
