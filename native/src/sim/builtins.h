// The built-in variables and functions of CUDA C++ that kernels use, for the emulated execution.
// Each does what the CUDA C++ Programming Guide says. They have CUDA's names, so they are in no
// namespace.
#ifndef HALFSTEP_SIM_BUILTINS_H
#define HALFSTEP_SIM_BUILTINS_H

#include <math.h>

#include <cstdint>
#include <cstring>

#include "sim/executor.h"

#define threadIdx (::hs::sim::current_thread->index)
#define blockIdx (::hs::sim::current_thread->block->index)
#define blockDim (::hs::sim::Executor::of_this_thread().shape().block)
#define gridDim (::hs::sim::Executor::of_this_thread().shape().grid)
#define __launch_bounds__(...)

namespace hs::sim {

template <class T>
struct Shuffle {
  T value;
  unsigned source;  // the lane from which the value comes
};

template <class T>
void complete_shuffle(Collective& c) {
  T results[kWarp];
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (!c.has(lane)) continue;
    unsigned source = c.slot<Shuffle<T>>(lane).source;
    if (!c.has(source)) {
      Executor::of_this_thread().misuse("a shuffle reads a lane outside of its mask", c.place);
    }
    results[lane] = c.slot<Shuffle<T>>(source).value;
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (c.has(lane)) c.slot<Shuffle<T>>(lane).value = results[lane];
  }
}

template <class T>
T shuffle(unsigned mask, T value, unsigned source, Place place) {
  Shuffle<T> operand{value, source};
  Executor::of_this_thread().collect(mask, &operand, sizeof operand, complete_shuffle<T>, place);
  return operand.value;
}

inline void complete_sync(Collective&) {}

inline void complete_ballot(Collective& c) {
  unsigned bits = 0;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (c.has(lane) && c.slot<unsigned>(lane) != 0) bits |= 1u << lane;
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) c.slot<unsigned>(lane) = bits;
}

}  // namespace hs::sim

inline void __syncthreads(hs::sim::Place place = hs::sim::Place::here()) {
  hs::sim::Executor::of_this_thread().sync_block(place);
}

inline void __syncwarp(unsigned mask = ~0u, hs::sim::Place place = hs::sim::Place::here()) {
  hs::sim::Executor::of_this_thread().collect(mask, nullptr, 0, hs::sim::complete_sync, place);
}

inline unsigned __ballot_sync(unsigned mask, bool predicate,
                              hs::sim::Place place = hs::sim::Place::here()) {
  unsigned operand = predicate;
  hs::sim::Executor::of_this_thread().collect(mask, &operand, sizeof operand,
                                              hs::sim::complete_ballot, place);
  return operand;
}

// Shuffles over whole warps only, since the kernels only use a width of 32.
template <class T>
T __shfl_sync(unsigned mask, T value, unsigned source,
              hs::sim::Place place = hs::sim::Place::here()) {
  return hs::sim::shuffle(mask, value, source % 32, place);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, unsigned lanes,
                  hs::sim::Place place = hs::sim::Place::here()) {
  return hs::sim::shuffle(mask, value, (hs::sim::current_thread->lane ^ lanes) % 32, place);
}

// Lanes that would read past the warp's end keep their own value.
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta,
                   hs::sim::Place place = hs::sim::Place::here()) {
  unsigned lane = hs::sim::current_thread->lane;
  return hs::sim::shuffle(mask, value, lane + delta < 32 ? lane + delta : lane, place);
}

inline void __threadfence() {}

// Atomic operations that include the fences which kernels make beside them, since the race checker
// does not understand separate fences.
inline unsigned atomicAdd(unsigned* at, unsigned value) {
  return __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL);
}

inline unsigned atomicOr(unsigned* at, unsigned bits) {
  return __atomic_fetch_or(at, bits, __ATOMIC_ACQ_REL);
}

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

inline void sincospif(float x, float* sine, float* cosine) {
  double angle = 3.14159265358979323846 * static_cast<double>(x);
  *sine = static_cast<float>(sin(angle));
  *cosine = static_cast<float>(cos(angle));
}

inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} * b) >> 32);
}

inline unsigned __popc(unsigned bits) { return static_cast<unsigned>(__builtin_popcount(bits)); }

// One more than the number of the lowest bit that is set; 0 if none is.
inline unsigned __ffs(unsigned bits) {
  return static_cast<unsigned>(__builtin_ffs(static_cast<int>(bits)));
}

inline unsigned __float_as_uint(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

#endif  // HALFSTEP_SIM_BUILTINS_H
