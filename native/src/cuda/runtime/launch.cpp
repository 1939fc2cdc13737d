#include "cuda/runtime/launch.h"

#include <cuda_runtime_api.h>

#include <mutex>
#include <set>
#include <utility>

#include "cuda/runtime/check.h"

namespace hs::cuda {
namespace {

constexpr std::size_t kSharedWithoutAsking = 48 * 1024;

// Raises a kernel's limit to all the shared memory that a block of the device may ask for. The
// limit is a property of the kernel, not of the thread: if each launch set the size that it needs,
// one thread could lower the limit after another thread has set it and before that thread's launch.
hs_status allow_shared_memory(const Stream& stream, const LaunchShape& shape, const void* kernel) {
  static std::mutex mutex;
  static auto* allowed = new std::set<std::pair<const void*, int>>;  // outlives every thread
  const std::lock_guard lock(mutex);
  if (allowed->contains({kernel, stream.ordinal})) return HS_OK;
  cudaFuncAttributes attributes;
  HS_CUDA(cudaFuncGetAttributes(&attributes, kernel), shape.name);
  HS_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(stream.shared_bytes - attributes.sharedSizeBytes)),
          shape.name);
  allowed->emplace(kernel, stream.ordinal);
  return HS_OK;
}

// The status of a launch. HS_INVALID_ARGUMENT becomes HS_UNSUPPORTED, since core has checked the
// caller's arguments.
hs_status check_launch(cudaError_t error, const LaunchShape& shape) {
  const hs_status status = check(error, shape.name);
  if (status != HS_INVALID_ARGUMENT && status != HS_UNSUPPORTED) return status;
  return fail(HS_UNSUPPORTED,
              "%s: this process cannot run %u x %u x %u blocks of %u x %u x %u threads with %zu "
              "bytes of shared memory%s%s on this device: others may hold a part of it (MPS), "
              "otherwise use device cpu",
              error_message(), shape.grid.x, shape.grid.y, shape.grid.z, shape.block.x,
              shape.block.y, shape.block.z, shape.shared_bytes,
              shape.cluster > 1 ? ", in clusters" : "", shape.cooperative ? ", all at once" : "");
}

}  // namespace

hs_status launch_kernel(const Stream& stream, const LaunchShape& shape, const void* kernel,
                        void** arguments) {
  // The thread may have selected another device since its last launch.
  HS_CUDA(cudaSetDevice(stream.ordinal), "selecting the device");
  if (shape.shared_bytes > kSharedWithoutAsking) {
    if (hs_status status = allow_shared_memory(stream, shape, kernel); status != HS_OK) {
      return status;
    }
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
  config.stream = static_cast<cudaStream_t>(stream.handle);
  config.attrs = attributes;
  config.numAttrs = count;
  return check_launch(cudaLaunchKernelExC(&config, kernel, arguments), shape);
}

}  // namespace hs::cuda
