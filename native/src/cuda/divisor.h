// Divides unsigned numbers below 2^31 by a divisor that the host knows, with a multiplication
// (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994).
#ifndef HALFSTEP_CUDA_DIVISOR_H
#define HALFSTEP_CUDA_DIVISOR_H

#include "cuda/platform.h"

namespace hs::cuda {

struct Divisor {
  unsigned value = 1, factor = 1, shift = 0;

  Divisor() = default;
  // Requires 1 <= divisor < 2^31.
  explicit Divisor(std::int64_t divisor) : value(static_cast<unsigned>(divisor)) {
    while ((std::uint64_t{1} << shift) < value) ++shift;
    std::uint64_t rest = (std::uint64_t{1} << shift) - value;
    factor = static_cast<unsigned>((rest << 32) / value + 1);
  }
  HS_DEVICE unsigned quotient(unsigned n) const { return (__umulhi(n, factor) + n) >> shift; }
  HS_DEVICE unsigned quotient(unsigned n, unsigned& rest) const {
    unsigned q = quotient(n);
    rest = n - q * value;
    return q;
  }
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_DIVISOR_H
