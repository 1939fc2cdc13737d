// Vectors of elements, and loads and stores of up to 16 bytes with cache hints.
#ifndef HALFSTEP_CUDA_PTX_MEMORY_H
#define HALFSTEP_CUDA_PTX_MEMORY_H

#include "cuda/platform.h"

namespace hs::cuda {

// N elements that are loaded or stored as one access. N * sizeof(T) is a power of two, at most 16.
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  T at[N];
};

template <class V>
HS_DEVICE void check_alignment([[maybe_unused]] const void* address HS_AND_CALLER) {
#ifdef HS_SIM
  if (reinterpret_cast<std::uintptr_t>(address) % alignof(V) != 0) {
    sim::Executor::of_this_thread().misuse("a vector access is not aligned to its size", place);
  }
#endif
}

// Loads through the caches, for data that is read again.
template <class V>
HS_DEVICE V load(const void* address HS_AND_CALLER) {
#ifdef HS_SIM
  check_alignment<V>(address, place);
#endif
  return *static_cast<const V*>(address);
}

template <class V>
HS_DEVICE void store(void* address, const V& value HS_AND_CALLER) {
#ifdef HS_SIM
  check_alignment<V>(address, place);
#endif
  *static_cast<V*>(address) = value;
}

// Loads from the second-level cache, for data that another block wrote; T is made of 4-byte words.
template <class T>
HS_DEVICE T load_from_l2(const T* address) {
#ifdef HS_SIM
  return *address;
#else
  static_assert(sizeof(T) % 4 == 0);
  constexpr int kWords = sizeof(T) / 4;
  unsigned words[kWords];
  auto* from = reinterpret_cast<const unsigned*>(address);
  HS_UNROLL for (int w = 0; w < kWords; ++w) {
    asm volatile("ld.global.cg.u32 %0, [%1];"
                 : "=r"(words[w])
                 : "l"(__cvta_generic_to_global(from + w))
                 : "memory");
  }
  T value;
  memcpy(&value, words, sizeof(T));
  return value;
#endif
}

// The same for 16 bytes, as one access.
HS_DEVICE Vector<float, 4> load_from_l2(const Vector<float, 4>* address) {
#ifdef HS_SIM
  return load<Vector<float, 4>>(address);
#else
  Vector<float, 4> value;
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(value.at[0]), "=f"(value.at[1]), "=f"(value.at[2]), "=f"(value.at[3])
               : "l"(__cvta_generic_to_global(address))
               : "memory");
  return value;
#endif
}

// Loads or stores 16 bytes that are accessed only once; the caches evict them first.
template <class V>
HS_DEVICE V load_streaming(const void* address HS_AND_CALLER) {
  static_assert(sizeof(V) == 16);
#ifdef HS_SIM
  return load<V>(address, place);
#else
  union {
    std::uint32_t words[4];
    V value;
  } u;
  asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(u.words[0]), "=r"(u.words[1]), "=r"(u.words[2]), "=r"(u.words[3])
               : "l"(__cvta_generic_to_global(address))
               : "memory");
  return u.value;
#endif
}

template <class V>
HS_DEVICE void store_streaming(void* address, const V& value HS_AND_CALLER) {
  static_assert(sizeof(V) == 16);
#ifdef HS_SIM
  store(address, value, place);
#else
  union {
    V value;
    std::uint32_t words[4];
  } u{value};
  asm volatile(
      "st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(address)),
      "r"(u.words[0]), "r"(u.words[1]), "r"(u.words[2]), "r"(u.words[3])
      : "memory");
#endif
}

// Stores 16 bytes that are read again, as one access. The compiler may turn an assignment into a
// store for each element, which costs as many accesses to memory.
template <class V>
HS_DEVICE void store_whole(void* address, const V& value HS_AND_CALLER) {
  static_assert(sizeof(V) == 16);
#ifdef HS_SIM
  store(address, value, place);
#else
  union {
    V value;
    std::uint32_t words[4];
  } u{value};
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(address)),
               "r"(u.words[0]), "r"(u.words[1]), "r"(u.words[2]), "r"(u.words[3])
               : "memory");
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_MEMORY_H
