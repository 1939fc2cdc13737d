// What a test can ask of the CUDA runtime that only pretends, and make it do.
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

// What a fake kernel is given: it writes `value` to `count` floats at `at`. With a workspace it
// first checks that the counters there are zero, and fills the partial results.
struct Arguments {
  float* at;
  std::size_t count;
  float value;
  unsigned* workspace;
  std::size_t partial_bytes;
};

// As a process that has just begun, on a machine with so many GPUs. What was allocated is forgotten;
// what was set of kernels stays, since the plug-in does not begin again.
HS_API void reset(int devices = 1);

// The devices on which this process has a context, which takes some 500 MB of each.
HS_API std::set<int> contexts();

// Bytes of device memory that are allocated on all devices, and streams that exist.
HS_API std::size_t allocated();
HS_API int streams();

// Captures that were begun and neither ended nor dropped.
HS_API int captures();

// Makes them invalid, as foreign code does that synchronizes such a stream.
HS_API void spoil_captures();

// The next call of a function of the runtime ("cudaLaunchKernelExC") fails so. What stays, stays.
HS_API void fail_next(const std::string& function, cudaError_t error);

// What cudaGetLastError() would say on this thread, which stays there.
HS_API cudaError_t last_error();

// Called once, within the next launch of a kernel, before its shape is checked.
HS_API void before_next_launch(std::function<void()> call);

// How often a function of the runtime was called.
HS_API int calls_of(const std::string& function);

}  // namespace fake_cuda

#endif  // HALFSTEP_TEST_FAKE_CUDA_FAKE_H
