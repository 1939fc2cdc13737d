// Functions with which a test inspects and controls the fake CUDA runtime.
#ifndef HALFSTEP_TEST_FAKE_CUDA_FAKE_H
#define HALFSTEP_TEST_FAKE_CUDA_FAKE_H

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <set>
#include <string>

#include "halfstep.h"

namespace fake_cuda {

constexpr std::size_t kSharedWithoutAsking = 48 * 1024, kMostShared = 227 * 1024;

// The arguments of a fake kernel, which writes `value` to `count` floats at `at`. With a workspace
// it first checks that the counters there are zero, and fills the partial results.
struct Arguments {
  float* at;
  std::size_t count;
  float value;
  unsigned* workspace;
  std::size_t partial_bytes;
};

// Resets the state to that of a new process on a machine with `devices` GPUs. Allocations are
// forgotten; attributes of kernels stay set, since the plug-in itself does not start anew.
HS_API void reset(int devices = 1);

// The devices on which this process has a context; a context takes some 500 MB of a device.
HS_API std::set<int> contexts();

// The bytes of device memory that are allocated on all devices, and the number of streams.
HS_API std::size_t allocated();
HS_API int streams();

// The number of captures that were begun and neither ended nor dropped.
HS_API int captures();

// Makes these captures invalid, as foreign code does that synchronizes a capturing stream.
HS_API void spoil_captures();

// The next call of this function of the runtime ("cudaLaunchKernelExC") fails with this error. If
// the error is permanent, all later calls fail too.
HS_API void fail_next(const std::string& function, cudaError_t error);

// The error that cudaGetLastError() would return on this thread; it is not cleared.
HS_API cudaError_t last_error();

// `call` is called once, in the next launch of a kernel, before the launch's shape is checked.
HS_API void before_next_launch(std::function<void()> call);

// How often this function of the runtime was called.
HS_API int calls_of(const std::string& function);

}  // namespace fake_cuda

#endif  // HALFSTEP_TEST_FAKE_CUDA_FAKE_H
