// The templates that the files of instances/ instantiate. There is one file for each family, engine
// and type: a single file would take a compiler several minutes, and this way a change of an engine
// recompiles only its own instances.
#ifndef HALFSTEP_CUDA_PRODUCT_INSTANCE_H
#define HALFSTEP_CUDA_PRODUCT_INSTANCE_H

#include "cuda/product/engines.h"

namespace hs::cuda {

template <class Engine>
hs_status run_matmul(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args) {
  const auto run = [&](auto source) {
    return Engine::template run<decltype(source)>(stream, plan, args, {});
  };
  if (args.desc.transpose_a != 0) {
    return args.desc.transpose_b != 0 ? run(Matrices<true, true>{}) : run(Matrices<true, false>{});
  }
  return args.desc.transpose_b != 0 ? run(Matrices<false, true>{}) : run(Matrices<false, false>{});
}

template <class Engine>
hs_status run_conv2d(const Stream& stream, const ProductPlan& plan, Operands product,
                     const MatmulArgs& args, const ConvParameters& conv) {
  switch (product) {
    case Operands::kForward:
      return Engine::template run<Convolution<Operands::kForward>>(stream, plan, args, conv);
    case Operands::kData:
      return Engine::template run<Convolution<Operands::kData>>(stream, plan, args, conv);
    default:
      return Engine::template run<Convolution<Operands::kWeights>>(stream, plan, args, conv);
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_INSTANCE_H
