// Declares the engines, each of which is a type in engine_*.h, and the functions that instances/
// compiles for them.
#ifndef HALFSTEP_CUDA_PRODUCT_ENGINES_H
#define HALFSTEP_CUDA_PRODUCT_ENGINES_H

#include <type_traits>

#include "cuda/product/choose.h"
#include "cuda/product/source.h"
#include "cuda/ptx/convert.h"

namespace hs::cuda {

template <class T>
struct Direct;
template <class T>
struct Packed;
template <class T>
struct Wgmma;
template <class T>  // T = float: operands are rounded to TF32
struct Mma;
struct Fma;

// Launches the kernels of a plan that has chosen this engine.
template <class Engine>
hs_status run_matmul(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args);
template <class Engine>
hs_status run_conv2d(const Stream& stream, const ProductPlan& plan, Operands product,
                     const MatmulArgs& args, const ConvParameters& conv);

// Calls run(std::type_identity<Engine>{}) with the plan's engine, which must be one that multiplies
// tiles.
template <class Run>
hs_status with_engine(const ProductPlan& plan, hs_dtype type, const Run& run) {
  const Engine engine = plan.tile.engine;
  if (engine == Engine::kFma) return run(std::type_identity<Fma>{});
  if (type == HS_F32) return run(std::type_identity<Mma<float>>{});
  if (engine == Engine::kMma) {
    return type == HS_BF16 ? run(std::type_identity<Mma<Bf16>>{})
                           : run(std::type_identity<Mma<F16>>{});
  }
  return type == HS_BF16 ? run(std::type_identity<Wgmma<Bf16>>{})
                         : run(std::type_identity<Wgmma<F16>>{});
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_ENGINES_H
