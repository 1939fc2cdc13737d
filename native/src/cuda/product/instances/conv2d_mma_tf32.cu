// Convolutions of FP32 rounded to TF32 by mma; why they have a file: instance.h.
#include "cuda/product/engine_mma.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_conv2d<Mma<float>>(const Stream&, const ProductPlan&, Operands,
                                          const MatmulArgs&, const ConvParameters&);

}  // namespace hs::cuda
