// The shape of a launch: grid, block, shared memory and cluster.
#ifndef HALFSTEP_CUDA_LAUNCH_SHAPE_H
#define HALFSTEP_CUDA_LAUNCH_SHAPE_H

#include <cstddef>

namespace hs::cuda {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr std::size_t count() const { return std::size_t{x} * y * z; }
};

struct LaunchShape {
  const char* name = "";  // the kernel's name, for messages
  Dim3 grid = {};
  Dim3 block = {};
  std::size_t shared_bytes = 0;  // dynamic shared memory of a block
  unsigned cluster = 1;          // blocks of a cluster, along x; more than 1 only from sm_90 on
  bool cooperative = false;      // all blocks run at once and may wait for each other
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_LAUNCH_SHAPE_H
