// The product of FP32 matrices by FMA; see matmul.cu.
#include "cuda/matmul_fma.h"

namespace hs::cuda {
namespace {

template <int kTile, bool kTransposeA, bool kTransposeB>
HS_KERNEL void __launch_bounds__(kFmaThreads)
    multiply_by_fma(const MatmulArgs args, const MatmulCut cut, void* workspace) {
  const hs_matmul_desc& desc = args.desc;
  const MatmulTile tile = matmul_tile<kTile, kTile>(desc, cut);
  const float* at_a = static_cast<const float*>(args.a) + tile.matrix * desc.stride_a;
  const float* at_b = static_cast<const float*>(args.b) + tile.matrix * desc.stride_b;
  const StoredMatrix<float> a(at_a, desc.lda, kTransposeA ? tile.k_end : desc.m,
                              kTransposeA ? desc.m : tile.k_end);
  const StoredMatrix<float> b(at_b, desc.ldb, kTransposeB ? desc.n : tile.k_end,
                              kTransposeB ? tile.k_end : desc.n);
  multiply_tile_by_fma<kTile, kTransposeA, kTransposeB>(
      args, cut, tile, a, b, MatmulVectors(args, tile.matrix, false), workspace);
}

template <bool kTransposeA, bool kTransposeB>
hs_status choose_tile(const Queue& queue, const MatmulArgs& args) {
  return fills_device(queue, args.desc, 128, 128)
             ? launch_fma<128>(queue, "multiply_by_fma", args,
                               multiply_by_fma<128, kTransposeA, kTransposeB>)
             : launch_fma<64>(queue, "multiply_by_fma", args,
                              multiply_by_fma<64, kTransposeA, kTransposeB>);
}

}  // namespace

hs_status matmul_f32(const Queue& queue, const MatmulArgs& args) {
  return with_layout(args.desc, [&](auto transpose_a, auto transpose_b) {
    return choose_tile<transpose_a, transpose_b>(queue, args);
  });
}

}  // namespace hs::cuda
