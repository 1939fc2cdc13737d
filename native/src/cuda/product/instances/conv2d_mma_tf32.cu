// Convolutions of FP32 rounded to TF32 by mma; instance.h says why this is a file of its own.
#include "cuda/product/engine_mma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_conv2d<Mma<float>>(const Stream&, const ProductPlan&, Operands,
                                          const MatmulArgs&, const ConvParameters&);

}  // namespace hs::cuda
