// Helpers that the kernels share: loops over spans and vectors of an array, the storage types, the
// estimated cost of a byte.
#ifndef HALFSTEP_CPU_KERNELS_STORAGE_H
#define HALFSTEP_CPU_KERNELS_STORAGE_H

#include "cpu/pool.h"
#include "cpu/simd.h"
#include "halfstep.h"

namespace hs::cpu::HS_ISA {

// The approximate time to read or write a byte on one thread (20 GB/s).
inline constexpr double kNsPerByte = 0.05;

// The lowest finite float. It replaces a maximum of -infinity, so that x - maximum is never NaN.
inline constexpr float kLowest = -3.40282347e38f;

// Calls fn(begin, end) for spans of `span` elements, the last one shorter, that cover [0, count).
template <class Fn>
HS_INLINE void for_spans(int64_t count, int64_t span, double ns_per_element, const Fn& fn) {
  parallel_for((count + span - 1) / span, static_cast<double>(count) * ns_per_element,
               [&](int64_t tile) {
                 const int64_t begin = tile * span;
                 fn(begin, begin + span < count ? begin + span : count);
               });
}

// A type or an enumerator as a function argument: fn(Type<float>{}) and fn(Constant<HS_RELU>{}).
template <class T>
struct Type {
  using type = T;
};
template <int32_t v>
struct Constant {
  static constexpr int32_t value = v;
};

// p + at; null stays null.
template <class T>
HS_INLINE T* behind(T* p, int64_t at) {
  return p != nullptr ? p + at : nullptr;
}

// Calls fn with the C++ type of the storage type `type`, as a Type<...>.
template <class Fn>
HS_INLINE void with_storage(hs_dtype type, const Fn& fn) {
  switch (type) {
    case HS_F32:
      return fn(Type<float>{});
    case HS_BF16:
      return fn(Type<Bf16>{});
    default:
      return fn(Type<F16>{});
  }
}

// Loads integers; load() converts them to floats, to nearest.
HS_INLINE vi load_words(const int32_t* p) {
  vi v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
HS_INLINE vi load_words(const int32_t* p, Mask m) {
  vi v{};
  for (int i = 0; i < m.count; ++i) v[i] = p[i];
  return v;
}
HS_INLINE vf load(const int32_t* p) { return __builtin_convertvector(load_words(p), vf); }
HS_INLINE vf load(const int32_t* p, Mask m) {
  return __builtin_convertvector(load_words(p, m), vf);
}

// Calls fn(i, lanes) for each vector of [begin, end). `lanes` is AllLanes for a full vector (or
// StreamLanes, if the caller asks for it) and a Mask for the last, partial one.
struct AllLanes {};
struct StreamLanes {};
template <class Lanes = AllLanes, class Fn>
HS_INLINE void for_vectors(int64_t begin, int64_t end, const Fn& fn) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) fn(i, Lanes{});
  if (i < end) fn(i, first_lanes(end - i));
}
template <class T>
HS_INLINE vf load(const T* p, AllLanes) {
  return load(p);
}
HS_INLINE vi load_words(const int32_t* p, AllLanes) { return load_words(p); }
HS_INLINE vi load_bytes(const uint8_t* p, AllLanes) { return load_bytes(p); }
HS_INLINE void store_bytes(uint8_t* p, vi v, AllLanes) { store_bytes(p, v); }
template <class T>
HS_INLINE void store(T* p, vf v, AllLanes) {
  store(p, v);
}

// v in the lanes of the mask, `other` in the rest.
HS_INLINE vf keep(vf v, vf, AllLanes) { return v; }
HS_INLINE vf keep(vf v, vf other, Mask m) { return iota() < set1_int(m.count) ? v : other; }

// A double for each lane, for sums in double.
typedef double vw __attribute__((vector_size(kLanes * 8)));
HS_INLINE double total_of(vw v) {
  double total = 0;
  for (int lane = 0; lane < kLanes; lane++) total += v[lane];
  return total;
}

// Outputs of kStreamBytes or more, which the caches could not keep, are stored past the caches: a
// line is then not read before it is written, which saves a copy a third of its traffic.
inline constexpr int64_t kStreamBytes = 4 << 20;
template <class T>
HS_INLINE bool can_stream(const T* p, int64_t count) {
  constexpr int64_t kVector = kLanes * static_cast<int64_t>(sizeof(T));
  return count * static_cast<int64_t>(sizeof(T)) >= kStreamBytes &&
         reinterpret_cast<uint64_t>(p) % kVector == 0;
}
// Calls fn(Type<StreamLanes>{}) if `stream`, otherwise fn(Type<AllLanes>{}).
template <class Fn>
HS_INLINE void with_lanes(bool stream, const Fn& fn) {
  if (stream) {
    fn(Type<StreamLanes>{});
  } else {
    fn(Type<AllLanes>{});
  }
}
template <class T>
HS_INLINE vf load(const T* p, StreamLanes) {
  return load(p);
}
template <class T>
HS_INLINE void store(T* p, vf v, StreamLanes) {
  store_past_cache(p, v);
}
// Called at the end of a tile: makes stores past the caches visible to other threads.
HS_INLINE void fence(AllLanes) {}
HS_INLINE void fence(StreamLanes) { store_fence(); }

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_STORAGE_H
