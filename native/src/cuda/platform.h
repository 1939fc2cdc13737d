// Lets two compilers build the same kernel sources: nvcc for the plug-in, and the host's C++
// compiler for the emulated execution (HS_SIM). Kernels include this header first and use CUDA's
// own names for indices, barriers and warp operations.
#ifndef HALFSTEP_CUDA_PLATFORM_H
#define HALFSTEP_CUDA_PLATFORM_H

#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__

#define HS_KERNEL __global__
#define HS_DEVICE __device__ __forceinline__
#define HS_UNROLL _Pragma("unroll")
#define HS_NO_UNROLL _Pragma("unroll 1")
// The caller's place in the source, which the emulated execution shows in its reports. HS_CALLER
// (as the only one) or HS_AND_CALLER (after others) declares it as the last parameter of a device
// function; HS_CALLER_ONLY and HS_PASS_CALLER pass it on as an argument.
#define HS_CALLER
#define HS_AND_CALLER
#define HS_PASS_CALLER
#define HS_CALLER_ONLY

#else

#define HS_SIM 1
#include "sim/builtins.h"
#define HS_KERNEL static
#define HS_DEVICE inline
#define HS_UNROLL
#define HS_NO_UNROLL
#define HS_CALLER ::hs::sim::Place place = ::hs::sim::Place::here()
#define HS_AND_CALLER , HS_CALLER
#define HS_PASS_CALLER , place
#define HS_CALLER_ONLY place

#endif

namespace hs::cuda {

constexpr unsigned kWarpSize = 32;
constexpr unsigned kFullMask = 0xffffffffu;

// The block's dynamic shared memory as the kernel's one `struct Smem`.
template <class Smem>
HS_DEVICE Smem& shared_memory() {
#ifdef HS_SIM
  if (sizeof(Smem) > sim::Executor::of_this_thread().shape().shared_bytes) {
    sim::Executor::of_this_thread().misuse("was launched with less shared memory than its Smem",
                                           sim::Place::here());
  }
  return *reinterpret_cast<Smem*>(sim::current_thread->block->shared);
#else
  extern __shared__ __align__(1024) unsigned char hs_shared[];
  return *reinterpret_cast<Smem*>(hs_shared);
#endif
}

// Makes the compiler keep a computed address in a register; otherwise it would compute it again in
// each iteration of a loop.
template <class T>
HS_DEVICE void keep([[maybe_unused]] const T*& address) {
#ifndef HS_SIM
  asm volatile("" : "+l"(address));
#endif
}

HS_DEVICE unsigned lane_id() { return threadIdx.x % kWarpSize; }
HS_DEVICE unsigned warp_id() { return threadIdx.x / kWarpSize; }

// This thread's number in a one-dimensional grid, and the number of its threads.
HS_DEVICE std::int64_t grid_thread() { return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
HS_DEVICE std::int64_t grid_threads() { return std::int64_t{gridDim.x} * blockDim.x; }

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PLATFORM_H
