// Lets g++, nvcc and the simulated device compile the headers of this folder. All backends share
// the formulas in them, so each is written once. The functions use no standard library. They are
// always inlined: otherwise the linker could merge copies that were compiled for different
// instruction sets.
#ifndef HALFSTEP_NUMERICS_HOST_DEVICE_H
#define HALFSTEP_NUMERICS_HOST_DEVICE_H

#include <cstdint>

#if defined(__CUDACC__)
#define HS_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define HS_HOST_DEVICE inline __attribute__((always_inline))
#endif

#endif  // HALFSTEP_NUMERICS_HOST_DEVICE_H
