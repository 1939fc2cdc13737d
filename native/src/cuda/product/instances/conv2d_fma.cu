// Convolutions of FP32 by fma; why they have a file: instance.h.
#include "cuda/product/engine_fma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_conv2d<Fma>(const Stream&, const ProductPlan&, Operands, const MatmulArgs&,
                                   const ConvParameters&);

}  // namespace hs::cuda
