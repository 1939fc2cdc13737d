// What the backends hand to every launcher.
#ifndef HALFSTEP_CUDA_QUEUE_H
#define HALFSTEP_CUDA_QUEUE_H

#include <cstddef>
#include <cstdint>

namespace hs::cuda {

// What a launcher knows of the stream it launches on. `workspace` is zeroed when it is made, and
// every kernel that uses its counters leaves them zero.
struct Queue {
  void* stream = nullptr;  // a cudaStream_t; simulated: the sim::Backlog
  int ordinal = 0;
  int multiprocessors = 0;
  unsigned max_cluster = 1;      // blocks of the largest cluster that the kernels' code can use
  bool warpgroups = false;       // the kernels' code has products of warpgroups (ptx/warpgroup.h)
  std::size_t shared_bytes = 0;  // shared memory that a block may ask for
  void* workspace = nullptr;
};

// Partial results of a grid's blocks, and counters, for kernels that reduce over the whole grid.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
// Its last part: what the first launch of a call leaves for the second one.
constexpr std::size_t kResultBytes = std::size_t{1} << 20;

inline void* results_of(const Queue& queue) {
  return static_cast<char*>(queue.workspace) + kWorkspaceBytes - kResultBytes;
}

inline Queue& as_queue(void* queue) { return *static_cast<Queue*>(queue); }

// Blocks that cover `work` items with `per_block` each, but at most `per_multiprocessor` for each
// multiprocessor; kernels stride over the rest.
inline unsigned blocks_for(const Queue& queue, std::int64_t work, std::int64_t per_block,
                           int per_multiprocessor) {
  std::int64_t wanted = (work + per_block - 1) / per_block;
  std::int64_t most = std::int64_t{queue.multiprocessors} * per_multiprocessor;
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_QUEUE_H
