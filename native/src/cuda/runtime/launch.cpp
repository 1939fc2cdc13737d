#include "cuda/runtime/launch.h"

#include <cuda_runtime_api.h>

#include "cuda/runtime/check.h"

namespace hs::cuda {
namespace {

constexpr std::size_t kSharedWithoutAsking = 48 * 1024;

}  // namespace

hs_status launch_kernel(const Queue& queue, const LaunchShape& shape, const void* kernel,
                        void** arguments) {
  // A thread may have used another device since.
  HS_CUDA(cudaSetDevice(queue.ordinal), "selecting the device");
  if (shape.shared_bytes > kSharedWithoutAsking) {
    HS_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shape.shared_bytes)),
            shape.name);
  }
  cudaLaunchAttribute attributes[2] = {};
  unsigned count = 0;
  if (shape.cluster > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count++].val.clusterDim = {shape.cluster, 1, 1};
  }
  if (shape.cooperative) {
    attributes[count].id = cudaLaunchAttributeCooperative;
    attributes[count++].val.cooperative = 1;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.grid.x, shape.grid.y, shape.grid.z);
  config.blockDim = dim3(shape.block.x, shape.block.y, shape.block.z);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = static_cast<cudaStream_t>(queue.stream);
  config.attrs = attributes;
  config.numAttrs = count;
  HS_CUDA(cudaLaunchKernelExC(&config, kernel, arguments), shape.name);
  return HS_OK;
}

}  // namespace hs::cuda
