// The products of a convolution on tensor cores, for 16-bit types and TF32; see conv2d.cu.
#ifndef HALFSTEP_CUDA_CONV2D_TENSOR_H
#define HALFSTEP_CUDA_CONV2D_TENSOR_H

#include "cuda/conv2d.h"
#include "cuda/matmul_tensor.h"

namespace hs::cuda {

template <class T, ConvProduct kProduct, class Config>
HS_KERNEL void __launch_bounds__(Config::kThreads, Config::kBlocks)
    convolve_on_tensor_cores(const MatmulArgs args, const MatmulCut cut, void* workspace,
                             const ConvOperands conv) {
  const MatmulTile tile = matmul_tile<Config::kM, Config::kN>(args.desc, cut);
  with_conv_operands<kProduct, T>(
      args, conv, tile, [&](const auto& a, const auto& b, const MatmulVectors& vectors) {
        multiply_tile<T, kConvTransposeA<kProduct>, kConvTransposeB<kProduct>, Config>(
            args, cut, tile, a, b, vectors, workspace);
      });
}

template <class T, ConvProduct kProduct, class Config>
HS_KERNEL void __launch_bounds__(Config::kThreads, Config::kBlocks)
    convolve_by_warpgroups([[maybe_unused]] const MatmulArgs args,
                           [[maybe_unused]] const MatmulCut cut, [[maybe_unused]] void* workspace,
                           [[maybe_unused]] const ConvOperands conv) {
#ifdef HS_HAS_WARPGROUPS
  const MatmulTile tile = matmul_tile<Config::kM, Config::kN>(args.desc, cut);
  with_conv_operands<kProduct, T>(
      args, conv, tile, [&](const auto& a, const auto& b, const MatmulVectors& vectors) {
        multiply_tile_by_warpgroups<T, kConvTransposeA<kProduct>, kConvTransposeB<kProduct>,
                                    Config>(args, cut, tile, a, b, vectors, workspace);
      });
#endif
}

template <class T, ConvProduct kProduct, class Config>
hs_status launch_conv(const Stream& stream, const MatmulArgs& args, const ConvOperands& conv) {
  return launch_tensor<T, kConvTransposeA<kProduct>, kConvTransposeB<kProduct>, Config>(
      stream, "convolve_on_tensor_cores", args, convolve_on_tensor_cores<T, kProduct, Config>,
      conv);
}

template <class T, ConvProduct kProduct>
hs_status choose_conv_tile(const Stream& stream, const MatmulArgs& args, const ConvOperands& conv) {
  if constexpr (sizeof(T) == 2) {
    if (stream.warpgroups) {
      return with_warpgroup_tiles<false>(stream, args.desc, [&](auto config) {
        using Config = decltype(config);
        return launch_warpgroups<T, kConvTransposeA<kProduct>, kConvTransposeB<kProduct>, Config>(
            stream, "convolve_by_warpgroups", args, convolve_by_warpgroups<T, kProduct, Config>,
            conv);
      });
    }
  }
  return fills_device(stream, args.desc, LargeTiles<T>::kM, LargeTiles<T>::kN)
             ? launch_conv<T, kProduct, LargeTiles<T>>(stream, args, conv)
             : launch_conv<T, kProduct, SmallTiles<T>>(stream, args, conv);
}

template <class T>
hs_status conv2d_on_tensor_cores(const Stream& stream, ConvProduct product, const MatmulArgs& args,
                                 const ConvOperands& conv) {
  switch (product) {
    case ConvProduct::kForward:
      return choose_conv_tile<T, ConvProduct::kForward>(stream, args, conv);
    case ConvProduct::kData:
      return choose_conv_tile<T, ConvProduct::kData>(stream, args, conv);
    default:
      return choose_conv_tile<T, ConvProduct::kWeights>(stream, args, conv);
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_CONV2D_TENSOR_H
