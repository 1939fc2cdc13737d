// matmul: C = activation(alpha op(A) op(B) + beta C + bias), batched, and a bias gradient.
//
// FLOPs: 2 m n k per matrix. Bytes: A, B and C once, if the second-level cache holds the parts that
// tiles share. Floor: the larger of FLOPs / rate (tensor cores; for FP32 the FMA units, unless TF32
// is allowed) and bytes / bandwidth; a product of n x n 16-bit matrices is bound by bandwidth up to
// n of about 500. Design: threads copy the operands to shared memory with cp.async. Each computes
// the addresses of its copies once, before the loop over k (product/operands.h, product/feed.h): in
// the loop, addresses would cost more than products. 16-bit types on Hopper: warpgroups multiply
// operands in shared memory (product/engine_wgmma.h), in rows of 128 bytes for all four layouts,
// while the next stages arrive. Two or four blocks of smaller tiles share a multiprocessor, so that
// one works while another begins or ends. On other devices mma.sync reads a ring of four stages,
// permuted so that ldmatrix has no bank conflicts (product/engine_mma.h). FP32: FMA with 8 x 8 sums
// per thread; if TF32 is allowed, mma.sync with half the depth. ldmatrix cannot transpose 32-bit
// elements, so operands whose rows do not run along k are padded and read word by word; all are
// rounded in registers. If a product has fewer tiles than there are multiprocessors, several blocks
// share the k of a tile, and the last of them adds their sums in order. If there are many small
// 16-bit matrices, each is computed by one warp (product/engine_packed.h). The blocks of the first
// columns compute the bias gradient, as a product with ones (for FP32 as a sum, without rounding).
// Edges are filled with zeros. Rows that do not begin at multiples of 16 bytes are copied 8 or 4
// bytes at a time, and only 16-bit rows of odd length element by element. Measured
// (benchmarks/results/hopper-2026-11-27), H200: BF16 8192^3 in 1,815 us, 606 TFLOP/s or 88 % of
// cuBLAS's ceiling; 4096^3 83 %; FP32 4096^3 73 %; TF32 24 %.
#include "cuda/kernels.h"
#include "cuda/product/engines.h"

namespace hs::cuda {

hs_status matmul(void* stream_of_call, const MatmulArgs& args) {
  const Stream& stream = as_stream(stream_of_call);
  const hs_matmul_desc& desc = args.desc;
  if (desc.m == 0 || (desc.n == 0 && args.bias_grad == nullptr)) return HS_OK;
  const ProductPlan plan = choose(describe(args, Operands::kMatrices, 0), stream);
  if (plan.tile.engine == Engine::kPacked) {
    return desc.type == HS_BF16 ? run_matmul<Packed<Bf16>>(stream, plan, args)
                                : run_matmul<Packed<F16>>(stream, plan, args);
  }
  return with_engine(plan, desc.type, [&](auto engine) {
    return run_matmul<typename decltype(engine)::type>(stream, plan, args);
  });
}

hs_status matmul_update(void* stream, const MatmulUpdateArgs& args) {
  const hs_status status = matmul(stream, args.product);
  return status == HS_OK ? optimizer_step(stream, args.update) : status;
}

}  // namespace hs::cuda
