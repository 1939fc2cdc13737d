// The vector types for HS_LANES floats, and functions on them that the vector extensions of GCC and
// Clang provide on every processor. The files of the levels define HS_LANES and then include this.
#ifndef HALFSTEP_CPU_SIMD_VECTORS_H
#define HALFSTEP_CPU_SIMD_VECTORS_H

#include <cstdint>

#define HS_INLINE inline __attribute__((always_inline))

namespace hs::cpu::HS_ISA {

inline constexpr int kLanes = HS_LANES;

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi __attribute__((vector_size(kLanes * 4)));
typedef uint32_t vu __attribute__((vector_size(kLanes * 4)));
typedef uint16_t vh __attribute__((vector_size(kLanes * 2)));  // the bits of BF16 or FP16 values
typedef uint8_t vb __attribute__((vector_size(kLanes)));
typedef uint64_t vq __attribute__((vector_size(kLanes * 4)));

// Storage types of 16 bits; arithmetic is always in float.
struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

HS_INLINE vf set1(float x) { return x - vf{}; }
HS_INLINE vi set1_int(int32_t x) { return x - vi{}; }
HS_INLINE vi bits(vf x) { return reinterpret_cast<vi>(x); }
HS_INLINE vf from_bits(vi x) { return reinterpret_cast<vf>(x); }

HS_INLINE vi iota() {
  vi v;
  for (int i = 0; i < kLanes; ++i) v[i] = i;
  return v;
}

// Lane i of the result is v[order[i]].
HS_INLINE vf shuffle(vf v, vi order) {
#if defined(__clang__)
  vf result;
  for (int i = 0; i < kLanes; ++i) result[i] = v[order[i]];
  return result;
#else
  return __builtin_shuffle(v, order);
#endif
}
// Lane i of the result is a[order[i]], or b[order[i] - kLanes] if order[i] >= kLanes.
HS_INLINE vf shuffle(vf a, vf b, vi order) {
#if defined(__clang__)
  vf result;
  for (int i = 0; i < kLanes; ++i) {
    result[i] = order[i] < kLanes ? a[order[i]] : b[order[i] - kLanes];
  }
  return result;
#else
  return __builtin_shuffle(a, b, order);
#endif
}

// Loads the first `count` elements of an array; the other lanes are zero.
template <class V, class T>
HS_INLINE V load_first(const T* p, int count) {
  V v{};
  for (int i = 0; i < count; ++i) v[i] = p[i];
  return v;
}
// Stores the first `count` lanes.
template <class V, class T>
HS_INLINE void store_first(T* p, V v, int count) {
  for (int i = 0; i < count; ++i) p[i] = v[i];
}

// Splits 64-bit products, `even` of the even and `odd` of the odd lanes, into their upper and lower
// halves, in the order of the lanes.
HS_INLINE void split_products(vq even, vq odd, vu* high, vu* low) {
  const vq upper = uint64_t{0xffffffff00000000} - vq{};
  *low = reinterpret_cast<vu>((even & ~upper) | (odd << 32));
  *high = reinterpret_cast<vu>((even >> 32) | (odd & upper));
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_SIMD_VECTORS_H
