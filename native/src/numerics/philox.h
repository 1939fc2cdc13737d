// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3" (SC 2011), and the conversion of its words to uniform numbers.
#ifndef HALFSTEP_NUMERICS_PHILOX_H
#define HALFSTEP_NUMERICS_PHILOX_H

#include "numerics/host_device.h"

namespace hs {

inline constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53, kPhiloxMultiplier1 = 0xCD9E8D57;
inline constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9, kPhiloxWeyl1 = 0xBB67AE85;
inline constexpr int kPhiloxRounds = 10;

struct Philox4x32 {
  uint32_t word[4];
};

// The four random words of the counter (index, sequence), low word first, with the key `seed`.
HS_HOST_DEVICE Philox4x32 philox(uint64_t index, uint64_t sequence, uint64_t seed) {
  uint32_t c0 = static_cast<uint32_t>(index), c1 = static_cast<uint32_t>(index >> 32);
  uint32_t c2 = static_cast<uint32_t>(sequence), c3 = static_cast<uint32_t>(sequence >> 32);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < kPhiloxRounds; round++) {
    const uint64_t p0 = uint64_t{kPhiloxMultiplier0} * c0;
    const uint64_t p1 = uint64_t{kPhiloxMultiplier1} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += kPhiloxWeyl0;
    k1 += kPhiloxWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

// A number uniform in [0, 1): the word's upper 24 bits, which a float holds exactly, times 2^-24.
HS_HOST_DEVICE float unit_uniform(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f;
}

}  // namespace hs

#endif  // HALFSTEP_NUMERICS_PHILOX_H
