// Maxima and their indices over the middle dimension of [outer, extent, inner]. Bound by memory: x
// is read once, 4 bytes per F32 element.
#include "cpu/kernels/reduce.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileElements = 16 << 10;

// The largest value of each lane so far, and the index at which it was found first; -1 if the lane
// has seen no value yet.
struct Largest {
  vf value{};
  vi place = set1_int(-1);
};

HS_INLINE vi inside(AllLanes) { return set1_int(-1); }
HS_INLINE vi inside(Mask m) { return iota() < set1_int(m.count); }

HS_INLINE void look_at(vf x, vi place, auto lanes, Largest& largest) {
  const vi first = largest.place < 0;
  const vi larger = (x > largest.value) | ((x != x) & (largest.value == largest.value));
  const vi better = (first | larger) & inside(lanes);
  largest.value = better ? x : largest.value;
  largest.place = better ? place : largest.place;
}

// The largest value of all lanes, and the smallest of the indices at which it was found.
struct LargestOne {
  float value;
  int32_t place;
};
HS_INLINE LargestOne merge(const Largest& lanes) {
  LargestOne best{0, -1};
  for (int lane = 0; lane < kLanes; lane++) {
    const float value = lanes.value[lane];
    const int32_t place = lanes.place[lane];
    if (place < 0) continue;
    const bool is_nan = value != value, best_is_nan = best.value != best.value;
    const bool same = value == best.value || (is_nan && best_is_nan);
    const bool larger = value > best.value || (is_nan && !best_is_nan);
    if (best.place < 0 || larger || (same && place < best.place)) best = {value, place};
  }
  return best;
}

template <class T, class To>
void max_rows(const ReduceArgs& args) {
  const int64_t extent = args.desc.extent;
  const T* const x = static_cast<const T*>(args.x);
  To* const y = static_cast<To*>(args.y);
  for_spans(args.desc.outer, (kTileElements + extent - 1) / extent,
            static_cast<double>(extent * int64_t{sizeof(T)}) * kNsPerByte + 20,
            [&](int64_t begin, int64_t end) {
              for (int64_t o = begin; o < end; o++) {
                Largest largest;
                for_vectors(0, extent, [&](int64_t e, auto lanes) {
                  look_at(load(x + o * extent + e, lanes), iota() + static_cast<int32_t>(e), lanes,
                          largest);
                });
                const LargestOne one = merge(largest);
                store_one(y + o, one.value);
                if (args.index != nullptr) args.index[o] = one.place;
              }
            });
}

template <class T, class To>
void max_columns(const ReduceArgs& args) {
  const int64_t extent = args.desc.extent, inner = args.desc.inner;
  const T* const x = static_cast<const T*>(args.x);
  To* const y = static_cast<To*>(args.y);
  const int64_t vectors = (inner + kLanes - 1) / kLanes;  // vectors of a row
  for_spans(args.desc.outer * vectors, 16, static_cast<double>(extent * 2),
            [&](int64_t begin, int64_t end) {
              for (int64_t v = begin; v < end; v++) {
                const int64_t o = v / vectors, column = v % vectors * kLanes;
                const T* const from = x + o * extent * inner + column;
                const Mask lanes = first_lanes(inner - column);
                Largest largest;
                for (int64_t e = 0; e < extent; e++) {
                  look_at(load(from + e * inner, lanes), set1_int(static_cast<int32_t>(e)), lanes,
                          largest);
                }
                const int64_t at = o * inner + column;
                store(y + at, largest.value, lanes);
                if (args.index == nullptr) continue;
                for (int lane = 0; lane < lanes.count; lane++) {
                  args.index[at + lane] = largest.place[lane];
                }
              }
            });
}

}  // namespace

void reduce_max(const ReduceArgs& args) {
  with_types(args.desc, [&](auto type, auto out) {
    using T = typename decltype(type)::type;
    using To = typename decltype(out)::type;
    if (args.desc.inner == 1) {
      max_rows<T, To>(args);
    } else {
      max_columns<T, To>(args);
    }
  });
}

}  // namespace hs::cpu::HS_ISA
