// The kernel of the engines in which each block computes one tile, and its launch.
#ifndef HALFSTEP_CUDA_PRODUCT_KERNEL_H
#define HALFSTEP_CUDA_PRODUCT_KERNEL_H

#include "cuda/launch.h"
#include "cuda/product/choose.h"
#include "cuda/product/epilogue.h"
#include "cuda/product/source.h"
#include "cuda/product/split.h"

namespace hs::cuda {

// Computes a block's part of the product of the operands A and B. The engine adds up the products
// along k and knows which elements of a tile each thread has; the rest is the same for all engines.
template <class Engine, class Source, class A, class B>
HS_DEVICE void multiply_part(const MatmulArgs& args, const ProductCut& cut, const BlockPart& part,
                             const A& a, const B& b, const ProductVectors& vectors,
                             void* workspace) {
  auto& shared = shared_memory<typename Engine::template Shared<Source>>();
  // The blocks of the first columns compute the bias gradient, since together they read all of A.
  Engine engine(vectors.bias_grad != nullptr && part.n == 0);
  typename Engine::Sums sums{};
  engine.template add_products<Source>(sums, shared, a, b, part);

  constexpr int kSums = sizeof(sums) / sizeof(float);
  auto& flat = reinterpret_cast<float(&)[kSums]>(sums);
  if (!sum_splits<Engine::kThreads>(flat, part, cut, workspace, shared.last)) return;
  __syncthreads();  // the result overwrites the stages
  engine.put_elements(shared.result, sums);
  engine.put_row_sums(
      sums, [&](int row, float sum) { put_bias_grad(args, vectors.bias_grad, part.m + row, sum); });
  __syncthreads();
  ProductOutput<typename Engine::T>(args, cut, part.matrix, vectors.bias)
      .template put_tile<Engine::kThreads>(shared.result, part.m, part.n, threadIdx.x);
}

template <class Engine, class Source>
HS_KERNEL void __launch_bounds__(Engine::kThreads, Engine::kBlocks)
    multiply_tiles([[maybe_unused]] const MatmulArgs args, [[maybe_unused]] const ProductCut cut,
                   [[maybe_unused]] void* workspace,
                   [[maybe_unused]] const typename Source::Parameters parameters) {
  if constexpr (Engine::kIsThere) {
    const BlockPart part = part_of_block<Engine::kM, Engine::kN>(args.desc, cut);
    Source::template with_operands<typename Engine::T>(
        args, cut, parameters, part,
        [&](const auto& a, const auto& b, const ProductVectors& vectors) {
          multiply_part<Engine, Source>(args, cut, part, a, b, vectors, workspace);
        });
  }
}

// Launches the kernel as planned.
template <class Engine, class Source>
hs_status launch_tiles(const Stream& stream, const ProductPlan& plan, const MatmulArgs& args,
                       const typename Source::Parameters& parameters) {
  static_assert(sizeof(typename Engine::Sums) == sums_of_thread(Engine::kSpec) * sizeof(float));
  static_assert(sizeof(typename Engine::template Shared<Source>) ==
                shared_bytes(Engine::kSpec, sizeof(typename Engine::T), Source::kTransposeA,
                             Source::kTransposeB));
  if (plan.blocks > 0x7fffffff) {
    return fail(HS_UNSUPPORTED,
                "matmul: %lld blocks are more than a launch can have: cut the batch",
                static_cast<long long>(plan.blocks));
  }
  void* workspace = nullptr;
  const hs_status status = reserve_workspace(stream, plan.workspace_bytes, &workspace);
  if (status != HS_OK) return status;
  const LaunchShape shape{.name = "multiply_tiles",
                          .grid = {static_cast<unsigned>(plan.blocks)},
                          .block = {Engine::kThreads},
                          .shared_bytes = plan.shared_bytes};
  return launch(stream, shape, multiply_tiles<Engine, Source>, args, plan.cut, workspace,
                parameters);
}

// Calls launch(tile) with the plan's tile, one of Tiles, as a type.
template <class... Tiles, class Launch>
hs_status with_tile(const ProductPlan& plan, const Launch& launch) {
  hs_status status = HS_OK;
  const bool found = ((plan.tile == Tiles::kSpec && (status = launch(Tiles{}), true)) || ...);
  return found ? status
               : fail(HS_UNSUPPORTED, "no kernel was built for '%s'", to_text(plan).c_str());
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_KERNEL_H
