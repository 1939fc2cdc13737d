// Helpers of kernels that go through arrays element by element. If all addresses are aligned, a
// thread takes chunks of several elements; otherwise, and at the end, single elements.
#ifndef HALFSTEP_CUDA_ELEMENTWISE_H
#define HALFSTEP_CUDA_ELEMENTWISE_H

#include "cuda/launch_shape.h"
#include "cuda/platform.h"
#include "cuda/ptx/convert.h"
#include "cuda/ptx/memory.h"
#include "cuda/stream.h"
#include "halfstep.h"

namespace hs::cuda {

// Elements of a chunk: one access of 16 bytes for the 16-bit types, two for FP32.
constexpr int kChunk = 8;
constexpr unsigned kElementwiseThreads = 256;
constexpr int kElementwiseBlocks = 8;  // blocks per multiprocessor

// Load or store kCount elements at an address that is aligned to their total size or to 16 bytes.
template <int kCount, class T>
HS_DEVICE void load_elements(const T* from, float (&x)[kCount] HS_AND_CALLER) {
  constexpr int kAccess = sizeof(T) * kCount > 16 ? 16 / sizeof(T) : kCount;
  HS_UNROLL for (int at = 0; at < kCount; at += kAccess) {
    auto v = load<Vector<T, kAccess>>(from + at HS_PASS_CALLER);
    HS_UNROLL for (int i = 0; i < kAccess; ++i) x[at + i] = to_float(v.at[i]);
  }
}

// Converts kCount floats to elements for one store: 16-bit elements in pairs if kCount is even.
template <class T, int kCount>
HS_DEVICE auto packed(const float* x) {
  if constexpr (sizeof(T) == 2 && kCount % 2 == 0) {
    Vector<std::uint32_t, kCount / 2> v;
    HS_UNROLL for (int i = 0; i < kCount / 2; ++i) v.at[i] = pack_pair<T>(x[2 * i], x[2 * i + 1]);
    return v;
  } else {
    Vector<T, kCount> v;
    HS_UNROLL for (int i = 0; i < kCount; ++i) v.at[i] = from_float<T>(x[i]);
    return v;
  }
}

template <int kCount, class T>
HS_DEVICE void store_elements(T* to, const float (&x)[kCount] HS_AND_CALLER) {
  constexpr int kAccess = sizeof(T) * kCount > 16 ? 16 / sizeof(T) : kCount;
  HS_UNROLL for (int at = 0; at < kCount; at += kAccess) {
    store(to + at, packed<T, kAccess>(x + at) HS_PASS_CALLER);
  }
}

// As store_elements, but to global memory only: 16 bytes are always stored as one access.
template <int kCount, class T>
HS_DEVICE void store_elements_whole(T* to, const float (&x)[kCount] HS_AND_CALLER) {
  const auto v = packed<T, kCount>(x);
  if constexpr (sizeof(v) == 16) {
    store_whole(to, v HS_PASS_CALLER);
  } else {
    store(to, v HS_PASS_CALLER);
  }
}

template <int kCount>
struct Elements {
  static constexpr int value = kCount;
};

// Calls body(i, Elements<n>) with n = kCount for the whole chunks of [0, count), then with n = 1
// for the elements that are left. The grid's threads share the calls.
template <int kCount, class Body>
HS_DEVICE void for_chunks(std::int64_t count, const Body& body) {
  std::int64_t whole = count / kCount * kCount;
  for (std::int64_t i = grid_thread() * kCount; i < whole; i += grid_threads() * kCount) {
    body(i, Elements<kCount>{});
  }
  if (kCount == 1) return;
  std::int64_t rest = whole + grid_thread();
  if (rest < count) body(rest, Elements<1>{});
}

// Quotient and rest of a / b; computed in 32 bits if possible, which is much cheaper.
struct Quotient {
  std::int64_t quotient, rest;
  HS_DEVICE Quotient(std::int64_t a, std::int64_t b) {
    if ((a | b) >> 32 == 0) {
      auto x = static_cast<unsigned>(a), y = static_cast<unsigned>(b);
      quotient = x / y;
      rest = x % y;
    } else {
      quotient = a / b;
      rest = a % b;
    }
  }
};

inline bool aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

inline LaunchShape elementwise_shape(const char* name, const Stream& stream, std::int64_t count,
                                     int per_thread) {
  unsigned blocks =
      blocks_for(stream, count, std::int64_t{kElementwiseThreads} * per_thread, kElementwiseBlocks);
  return {.name = name, .grid = {blocks}, .block = {kElementwiseThreads}};
}

// Calls launcher(T{}), where T is the C++ type of the storage type: float, Bf16 or F16.
template <class Launcher>
hs_status with_storage(hs_dtype type, const Launcher& launcher) {
  switch (type) {
    case HS_F32:
      return launcher(float{});
    case HS_BF16:
      return launcher(Bf16{});
    default:
      return launcher(F16{});
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_ELEMENTWISE_H
