// Convolutions with few input channels, of all types; instance.h says why this is a file of its
// own.
#include "cuda/product/engine_direct.h"
#include "cuda/product/instance.h"

namespace hs::cuda {

template hs_status run_conv2d<Direct<float>>(const Stream&, const ProductPlan&, Operands,
                                             const MatmulArgs&, const ConvParameters&);
template hs_status run_conv2d<Direct<Bf16>>(const Stream&, const ProductPlan&, Operands,
                                            const MatmulArgs&, const ConvParameters&);
template hs_status run_conv2d<Direct<F16>>(const Stream&, const ProductPlan&, Operands,
                                           const MatmulArgs&, const ConvParameters&);

}  // namespace hs::cuda
