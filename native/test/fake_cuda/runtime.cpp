// A fake CUDA runtime that needs no GPU. The plug-in's own code is linked with it, so that its
// error messages and its calls of the runtime can be tested anywhere. The environment variable
// HALFSTEP_FAKE_CUDA names the fault to simulate: no-device, old-driver, old-device, no-memory,
// sticky, or works for none. This file has the devices and their memory; graphs.cpp has the rest.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>

#include "fake_cuda/state.h"

using namespace fake_cuda;

namespace {

constexpr std::size_t kMemory = 1 << 30, kLittleMemory = 4096;

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = state().devices;
  if (is("no-device")) return cudaErrorNoDevice;
  return is("old-driver") ? cudaErrorInsufficientDriver : enter(__func__);
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = is("old-driver") ? 12040 : 13000;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const bool old = is("old-device");
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = old ? 7 : 9;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = old ? 5 : 0;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kMostShared;
      break;
    default:
      *value = 132;
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "no GPU at all");
  return enter(__func__);
}

cudaError_t cudaSetDevice(int device) {
  set_current_device(device);
  return enter_device(__func__);
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  *total_bytes = kMemory;
  *free_bytes = is("no-memory") ? kLittleMemory : kMemory - allocated();
  return enter_device(__func__);
}

cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  if (const cudaError_t error = enter_unsafe(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  if (is("no-memory") || bytes > kMemory - allocated()) return leave(cudaErrorMemoryAllocation);
  *address = std::malloc(bytes);
  std::memset(*address, 0xff, bytes);
  state().memory[*address] = {bytes, current_device()};
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  if (const cudaError_t error = enter_unsafe(__func__); error != cudaSuccess) return error;
  if (address == nullptr) return cudaSuccess;
  const std::lock_guard lock(state().mutex);
  if (state().memory.erase(address) == 0) return leave(cudaErrorInvalidValue);
  std::free(address);
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** address, std::size_t bytes, unsigned) {
  if (const cudaError_t error = enter_unsafe(__func__); error != cudaSuccess) return error;
  *address = std::malloc(bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* address) {
  if (const cudaError_t error = enter_unsafe(__func__); error != cudaSuccess) return error;
  std::free(address);
  return cudaSuccess;
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorCooperativeLaunchTooLarge:
      return "cudaErrorCooperativeLaunchTooLarge";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    default:
      return "another error";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorCooperativeLaunchTooLarge:
      return "too many blocks in cooperative launch";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    default:
      return "something else";
  }
}
}
