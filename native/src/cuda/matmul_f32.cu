// The product of FP32 matrices by FMA; see matmul.cu.
#include "cuda/matmul_fma.h"

namespace hs::cuda {
namespace {

template <int kTile, bool kTransposeA, bool kTransposeB>
HS_KERNEL void __launch_bounds__(kFmaThreads, kFmaBlocks<kTile>)
    multiply_by_fma(const MatmulArgs args, const MatmulCut cut, void* workspace) {
  const MatmulTile tile = matmul_tile<kTile, kTile>(args.desc, cut);
  with_stored_operands<float, kTransposeA, kTransposeB>(
      args, tile, [&](const auto& a, const auto& b, const MatmulVectors& vectors) {
        multiply_tile_by_fma<kTile, kTransposeA, kTransposeB>(args, cut, tile, a, b, vectors,
                                                              workspace);
      });
}

template <bool kTransposeA, bool kTransposeB>
hs_status choose_tile(const Stream& stream, const MatmulArgs& args) {
  return fills_device(stream, args.desc, 128, 128)
             ? launch_fma<128>(stream, "multiply_by_fma", args,
                               multiply_by_fma<128, kTransposeA, kTransposeB>)
             : launch_fma<64>(stream, "multiply_by_fma", args,
                              multiply_by_fma<64, kTransposeA, kTransposeB>);
}

}  // namespace

hs_status matmul_f32(const Stream& stream, const MatmulArgs& args) {
  return with_layout(args.desc, [&](auto transpose_a, auto transpose_b) {
    return choose_tile<transpose_a, transpose_b>(stream, args);
  });
}

}  // namespace hs::cuda
