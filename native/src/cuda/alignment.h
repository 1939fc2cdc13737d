// Computes how wide accesses may be: the powers of two that divide addresses and sizes.
#ifndef HALFSTEP_CUDA_ALIGNMENT_H
#define HALFSTEP_CUDA_ALIGNMENT_H

#include <cstdint>

namespace hs::cuda {

// The largest power of two up to 16 that divides all numbers which were combined by | into `bits`.
inline std::uint64_t unit_of(std::uint64_t bits) {
  std::uint64_t unit = 16;
  while (bits % unit != 0) unit /= 2;
  return unit;
}

inline std::uint64_t address_bits(const void* p) {
  return std::uint64_t{reinterpret_cast<std::uintptr_t>(p)};
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_ALIGNMENT_H
