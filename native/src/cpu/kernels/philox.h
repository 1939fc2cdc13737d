// Philox4x32-10 in all lanes at once: lane l computes the four words of counter index + l.
#ifndef HALFSTEP_CPU_KERNELS_PHILOX_H
#define HALFSTEP_CPU_KERNELS_PHILOX_H

#include "cpu/simd.h"
#include "numerics/philox.h"

namespace hs::cpu::HS_ISA {

// The number of words that one evaluation computes.
inline constexpr int64_t kPhiloxBlock = 4 * kLanes;

struct Words {
  vu word[4];
};

HS_INLINE vu set1_word(uint32_t x) { return x - vu{}; }

// The words of the counters index ... index + kLanes - 1.
HS_INLINE Words philox_block(uint64_t index, uint64_t sequence, uint64_t seed) {
  const vu lane = reinterpret_cast<vu>(iota());
  vu c0 = set1_word(static_cast<uint32_t>(index)) + lane;
  // Adds the carry in the lanes where the sum of the lower word wrapped round.
  vu c1 = set1_word(static_cast<uint32_t>(index >> 32)) -
          reinterpret_cast<vu>(c0 < set1_word(static_cast<uint32_t>(index)));
  vu c2 = set1_word(static_cast<uint32_t>(sequence));
  vu c3 = set1_word(static_cast<uint32_t>(sequence >> 32));
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < kPhiloxRounds; round++) {
    vu high0, low0, high1, low1;
    multiply_wide(c0, kPhiloxMultiplier0, &high0, &low0);
    multiply_wide(c2, kPhiloxMultiplier1, &high1, &low1);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += kPhiloxWeyl0;
    k1 += kPhiloxWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

// Interleaves the lanes of a and b: zip_first those of their first halves, zip_second those of
// their second halves.
HS_INLINE vf zip_first(vf a, vf b) {
  vi order;
  for (int i = 0; i < kLanes; i++) order[i] = i / 2 + (i % 2) * kLanes;
  return shuffle(a, b, order);
}
HS_INLINE vf zip_second(vf a, vf b) {
  vi order;
  for (int i = 0; i < kLanes; i++) order[i] = kLanes / 2 + i / 2 + (i % 2) * kLanes;
  return shuffle(a, b, order);
}

struct Numbers {
  vf word[4];
};

// Reorders the numbers so that the one from word w of counter c is at index 4 c + w.
HS_INLINE Numbers interleave(const Numbers& n) {
  const vf even0 = zip_first(n.word[0], n.word[2]), odd0 = zip_first(n.word[1], n.word[3]);
  const vf even1 = zip_second(n.word[0], n.word[2]), odd1 = zip_second(n.word[1], n.word[3]);
  return {{zip_first(even0, odd0), zip_second(even0, odd0), zip_first(even1, odd1),
           zip_second(even1, odd1)}};
}

}  // namespace hs::cpu::HS_ISA

#endif  // HALFSTEP_CPU_KERNELS_PHILOX_H
