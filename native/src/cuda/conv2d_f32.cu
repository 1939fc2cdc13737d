// The products of a convolution of FP32, by FMA; see conv2d.cu.
#include "cuda/conv2d.h"
#include "cuda/matmul_fma.h"

namespace hs::cuda {
namespace {

template <ConvProduct kProduct, int kTile>
HS_KERNEL void __launch_bounds__(kFmaThreads, kFmaBlocks<kTile>)
    convolve_by_fma(const MatmulArgs args, const MatmulCut cut, void* workspace,
                    const ConvOperands conv) {
  const MatmulTile tile = matmul_tile<kTile, kTile>(args.desc, cut);
  with_conv_operands<kProduct, float>(
      args, conv, tile, [&](const auto& a, const auto& b, const MatmulVectors& vectors) {
        multiply_tile_by_fma<kTile, kConvTransposeA<kProduct>, kConvTransposeB<kProduct>>(
            args, cut, tile, a, b, vectors, workspace);
      });
}

template <ConvProduct kProduct>
hs_status choose_tile(const Stream& stream, const MatmulArgs& args, const ConvOperands& conv) {
  return fills_device(stream, args.desc, 128, 128)
             ? launch_fma<128>(stream, "convolve_by_fma", args, convolve_by_fma<kProduct, 128>,
                               conv)
             : launch_fma<64>(stream, "convolve_by_fma", args, convolve_by_fma<kProduct, 64>, conv);
}

}  // namespace

hs_status conv2d_f32(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                     const ConvOperands& conv) {
  switch (product) {
    case ConvProduct::kForward:
      return choose_tile<ConvProduct::kForward>(stream, args, conv);
    case ConvProduct::kData:
      return choose_tile<ConvProduct::kData>(stream, args, conv);
    default:
      return choose_tile<ConvProduct::kWeights>(stream, args, conv);
  }
}

}  // namespace hs::cuda
