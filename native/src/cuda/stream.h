// The data that the backends pass to every launcher.
#ifndef HALFSTEP_CUDA_STREAM_H
#define HALFSTEP_CUDA_STREAM_H

#include <cstddef>
#include <cstdint>

#include "halfstep.h"

namespace hs::cuda {

class Workspace;  // each backend defines its own

// The stream that a launcher launches kernels on, and the properties of its device.
struct Stream {
  void* handle = nullptr;  // a cudaStream_t; simulated: the sim::Backlog
  int ordinal = 0;
  int multiprocessors = 0;
  unsigned max_cluster = 1;        // blocks of the largest cluster that the kernels' code can use
  bool warpgroups = false;         // whether the kernels' code uses warpgroups (ptx/warpgroup.h)
  std::size_t shared_bytes = 0;    // shared memory that a block may ask for
  Workspace* workspace = nullptr;  // the stream's own or, while it records, the list's
};

// Provides memory for kernels that reduce over the whole grid: counters, which are zero at first
// and which every kernel leaves at zero (GridWorkspace in reduce.h), followed by `partial_bytes`
// for the blocks' partial results and for results that a call's first launch passes to its second.
// Null for 0 bytes. The call may use the memory until the next call on this stream or in this list.
// Must be called before the first launch, so that a call that fails has launched nothing.
hs_status reserve_workspace(const Stream& stream, std::size_t partial_bytes, void** memory);

constexpr unsigned kGridCounters = 1024;  // counters, and as many words for barriers of blocks
constexpr std::size_t kCounterBytes = 2 * kGridCounters * sizeof(unsigned);
// The most bytes that a call asks for, counters included; and the most of these for results that
// follow the partial ones.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
constexpr std::size_t kResultBytes = std::size_t{1} << 20;

inline Stream& as_stream(void* stream) { return *static_cast<Stream*>(stream); }

// The number of blocks for `work` items with `per_block` items each, but at most
// `per_multiprocessor` for each multiprocessor; the kernels loop over the rest.
inline unsigned blocks_for(const Stream& stream, std::int64_t work, std::int64_t per_block,
                           int per_multiprocessor) {
  std::int64_t wanted = (work + per_block - 1) / per_block;
  std::int64_t most = std::int64_t{stream.multiprocessors} * per_multiprocessor;
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_STREAM_H
