// What the headers of this folder need so that g++, nvcc and the simulated device can compile them.
// The rules in them hold on every backend: each is written here once. They use no standard library.
// Being always inlined, they leave no copy compiled for one instruction set where a file compiled
// for another could be given it by the linker.
#ifndef HALFSTEP_NUMERICS_HOST_DEVICE_H
#define HALFSTEP_NUMERICS_HOST_DEVICE_H

#include <cstdint>

#if defined(__CUDACC__)
#define HS_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define HS_HOST_DEVICE inline __attribute__((always_inline))
#endif

#endif  // HALFSTEP_NUMERICS_HOST_DEVICE_H
