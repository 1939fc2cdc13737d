// The units of 1 to 16 bytes in which kernels copy elements whose type does not matter.
#ifndef HALFSTEP_CUDA_UNITS_H
#define HALFSTEP_CUDA_UNITS_H

#include "cuda/alignment.h"
#include "cuda/elementwise.h"

namespace hs::cuda {

using Unit16 = Vector<std::uint32_t, 4>;

// Calls launcher(Unit{}), where Unit is an unsigned type, or Unit16, of `bytes` bytes.
template <class Launcher>
hs_status with_unit(std::uint64_t bytes, const Launcher& launcher) {
  switch (bytes) {
    case 1:
      return launcher(std::uint8_t{});
    case 2:
      return launcher(std::uint16_t{});
    case 4:
      return launcher(std::uint32_t{});
    case 8:
      return launcher(std::uint64_t{});
    default:
      return launcher(Unit16{});
  }
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_UNITS_H
