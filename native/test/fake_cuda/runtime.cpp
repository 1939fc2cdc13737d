// A CUDA runtime without a GPU: the plug-in's own code is linked with it, so that what users read
// when something is wrong can be tested anywhere. The environment's HALFSTEP_FAKE_CUDA says what is
// wrong: no-device, old-driver, old-device, no-memory, sticky; works: nothing.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>

#include "cuda/kernels.h"

namespace {

bool is(const char* wrong) {
  const char* asked = std::getenv("HALFSTEP_FAKE_CUDA");
  return asked != nullptr && std::strcmp(asked, wrong) == 0;
}

bool failed = false;  // an illegal access: every later call reports it too

cudaError_t status() { return failed ? cudaErrorIllegalAddress : cudaSuccess; }

constexpr std::size_t kMemory = 1 << 30, kLittleMemory = 4096;

}  // namespace

// It runs no kernel.
namespace hs::cuda {
KernelTable kernel_table() { return {}; }
}  // namespace hs::cuda

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return is("no-device")    ? cudaErrorNoDevice
         : is("old-driver") ? cudaErrorInsufficientDriver
                            : cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = is("old-driver") ? 12040 : 13000;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const bool old = is("old-device");
  *value = attribute == cudaDevAttrComputeCapabilityMajor   ? (old ? 7 : 9)
           : attribute == cudaDevAttrComputeCapabilityMinor ? (old ? 5 : 0)
                                                            : 132;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "no GPU at all");
  return status();
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  *total_bytes = kMemory;
  *free_bytes = is("no-memory") ? kLittleMemory : kMemory;
  return status();
}

// A stream's workspace still fits where there is little memory.
cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  if (is("no-memory") && bytes < kLittleMemory) return cudaErrorMemoryAllocation;
  *address = failed ? nullptr : std::malloc(bytes);
  return status();
}

cudaError_t cudaFree(void* address) {
  std::free(address);
  return status();
}

cudaError_t cudaHostAlloc(void** address, std::size_t bytes, unsigned) {
  *address = failed ? nullptr : std::malloc(bytes);
  return status();
}

cudaError_t cudaFreeHost(void* address) {
  std::free(address);
  return status();
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  failed = failed || is("sticky");
  if (!failed) std::memcpy(to, from, bytes);
  return status();
}

cudaError_t cudaMemsetAsync(void* at, int value, std::size_t bytes, cudaStream_t) {
  std::memset(at, value, bytes);
  return status();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = nullptr;
  return status();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = nullptr;
  return status();
}

cudaError_t cudaGetLastError() { return status(); }
cudaError_t cudaSetDevice(int) { return status(); }
cudaError_t cudaStreamDestroy(cudaStream_t) { return status(); }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return status(); }
cudaError_t cudaEventDestroy(cudaEvent_t) { return status(); }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return status(); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return status(); }
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) { return status(); }
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t*) { return status(); }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long) {
  return status();
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return status(); }
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return status(); }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return status(); }

const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "cudaErrorIllegalAddress" : "another error";
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "an illegal memory access was encountered"
                                          : "something else";
}
}
