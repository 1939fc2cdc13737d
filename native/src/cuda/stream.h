// What the backends hand to every launcher.
#ifndef HALFSTEP_CUDA_STREAM_H
#define HALFSTEP_CUDA_STREAM_H

#include <cstddef>
#include <cstdint>

#include "halfstep.h"

namespace hs::cuda {

class Workspace;  // the backend's

// What a launcher knows of the stream it launches on.
struct Stream {
  void* handle = nullptr;  // a cudaStream_t; simulated: the sim::Backlog
  int ordinal = 0;
  int multiprocessors = 0;
  unsigned max_cluster = 1;        // blocks of the largest cluster that the kernels' code can use
  bool warpgroups = false;         // the kernels' code has products of warpgroups (ptx/warpgroup.h)
  std::size_t shared_bytes = 0;    // shared memory that a block may ask for
  Workspace* workspace = nullptr;  // the stream's own or, while it records, the list's
};

// Memory for kernels that reduce over the whole grid: counters, zero at first, which every kernel
// leaves zero (GridWorkspace in reduce.h), and behind them `partial_bytes` for the blocks' partial
// results and what a call's first launch leaves for its second one; null for 0 bytes. It is the
// call's until the next one on this stream or in this list. To be called before the first launch, so
// that a call that fails has launched nothing.
hs_status reserve_workspace(const Stream& stream, std::size_t partial_bytes, void** memory);

constexpr unsigned kGridCounters = 1024;  // and as many words for barriers of blocks
constexpr std::size_t kCounterBytes = 2 * kGridCounters * sizeof(unsigned);
// The most that calls ask for, counters included, and of it for results behind the partial ones.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
constexpr std::size_t kResultBytes = std::size_t{1} << 20;

inline Stream& as_stream(void* stream) { return *static_cast<Stream*>(stream); }

// Blocks that cover `work` items with `per_block` each, but at most `per_multiprocessor` for each
// multiprocessor; kernels stride over the rest.
inline unsigned blocks_for(const Stream& stream, std::int64_t work, std::int64_t per_block,
                           int per_multiprocessor) {
  std::int64_t wanted = (work + per_block - 1) / per_block;
  std::int64_t most = std::int64_t{stream.multiprocessors} * per_multiprocessor;
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_STREAM_H
