// Reductions over increasing groups of threads: thread, warp, block, cluster, grid. The order of
// the operations depends on the launch alone, so results are bitwise the same from run to run; only
// integer counters are added atomically.
//
// `Op` is a struct with identity() and operator()(a, b); op(a, b) and op(b, a) must be bitwise
// equal.
#ifndef HALFSTEP_CUDA_REDUCE_H
#define HALFSTEP_CUDA_REDUCE_H

#include "cuda/platform.h"
#include "cuda/ptx/cluster.h"
#include "cuda/ptx/memory.h"
#include "cuda/stream.h"

namespace hs::cuda {

template <class T>
struct Sum {
  HS_DEVICE static T identity() { return T{}; }
  HS_DEVICE T operator()(const T& a, const T& b) const { return a + b; }
};

struct Largest {
  HS_DEVICE static float identity() { return -3.40282347e38f; }
  HS_DEVICE float operator()(float a, float b) const { return a > b ? a : b; }
};

// A float and the index at which it was found. Of equal values the one with the smallest index
// wins.
struct ValueAt {
  float value;
  std::int32_t index;
};

struct LargestAt {
  // The lowest finite float and not -infinity, so that differences from it are never NaN.
  HS_DEVICE static ValueAt identity() { return {-3.40282347e38f, 0x7fffffff}; }
  HS_DEVICE ValueAt operator()(const ValueAt& a, const ValueAt& b) const {
    if (a.value != b.value) return a.value > b.value ? a : b;
    return a.index < b.index ? a : b;
  }
};

// The value of the lane whose number is lane_id() ^ lanes; T is made of 4-byte words.
template <class T>
HS_DEVICE T shuffle_xor(const T& value, unsigned lanes HS_AND_CALLER) {
  static_assert(sizeof(T) % sizeof(unsigned) == 0);
  constexpr int kWords = sizeof(T) / sizeof(unsigned);
  unsigned words[kWords];
  memcpy(words, &value, sizeof(T));
  HS_UNROLL for (int w = 0; w < kWords; ++w) {
    words[w] = __shfl_xor_sync(kFullMask, words[w], lanes HS_PASS_CALLER);
  }
  T other;
  memcpy(&other, words, sizeof(T));
  return other;
}

// Reduces over each group of `kLanes` lanes (a power of two) of a warp; every lane gets the result
// of its group. All lanes of the warp take part.
template <unsigned kLanes, class T, class Op>
HS_DEVICE T group_reduce(T value, Op op HS_AND_CALLER) {
  HS_UNROLL for (unsigned lanes = kLanes / 2; lanes > 0; lanes /= 2) {
    value = op(value, shuffle_xor(value, lanes HS_PASS_CALLER));
  }
  return value;
}

template <class T, class Op>
HS_DEVICE T warp_reduce(T value, Op op HS_AND_CALLER) {
  return group_reduce<kWarpSize>(value, op HS_PASS_CALLER);
}

// Shared memory of a block's reduction: one slot per warp.
template <class T>
struct BlockScratch {
  T slot[kWarpSize];
};

// Reduces over a block of `kThreads` threads, a multiple of 32; every thread gets the result. The
// scratch may be used again immediately.
template <unsigned kThreads, class T, class Op>
HS_DEVICE T block_reduce(T value, Op op, BlockScratch<T>& scratch HS_AND_CALLER) {
  constexpr unsigned kWarps = kThreads / kWarpSize;
  static_assert(kThreads % kWarpSize == 0 && kWarps <= kWarpSize);
  value = warp_reduce(value, op HS_PASS_CALLER);
  if (kWarps == 1) return value;
  if (lane_id() == 0) scratch.slot[warp_id()] = value;
  __syncthreads(HS_CALLER_ONLY);
  value = lane_id() < kWarps ? scratch.slot[lane_id()] : Op::identity();
  value = warp_reduce(value, op HS_PASS_CALLER);
  __syncthreads(HS_CALLER_ONLY);  // the next use overwrites the slots
  return value;
}

// Reduces over a cluster, in the order of its blocks. `own` is the block's result, which all its
// threads hold; `slot` lies in its shared memory.
template <class T, class Op>
HS_DEVICE T cluster_reduce(T own, Op op, T& slot HS_AND_CALLER) {
  if (cluster_size() == 1) return own;
  if (threadIdx.x == 0) slot = own;
  cluster_sync(HS_CALLER_ONLY);
  T value = Op::identity();
  for (unsigned rank = 0; rank < cluster_size(); ++rank) {
    value = op(value, load_from_block(&slot, rank HS_PASS_CALLER));
  }
  cluster_sync(HS_CALLER_ONLY);  // no block leaves or overwrites its slot while others read it
  return value;
}

// The layout of a workspace (stream.h): counters, which every kernel leaves at zero, words for
// barriers of blocks, and partial results.
struct GridWorkspace {
  unsigned counters[kGridCounters];
  unsigned barriers[kGridCounters];
  // The blocks' partial results follow.
  template <class T>
  HS_DEVICE T* partials() {
    return reinterpret_cast<T*>(this + 1);
  }
};
static_assert(sizeof(GridWorkspace) == kCounterBytes);

// Returns true in all threads of the last of `parts` blocks that call this with the same counter;
// that block sees what the others wrote before their calls. `last` lies in shared memory.
HS_DEVICE bool last_to_finish(unsigned& counter, unsigned parts, unsigned& last HS_AND_CALLER) {
  __syncthreads(HS_CALLER_ONLY);  // the block has written its results
  if (threadIdx.x == 0) {
    __threadfence();  // makes them visible before the count
    last = atomicAdd(&counter, 1u) == parts - 1;
    if (last) counter = 0;
  }
  __syncthreads(HS_CALLER_ONLY);
  __threadfence();  // orders the reads of the others' results after the count
  return last;
}

// Reduces over the grid, in the order of the blocks: each block writes its result to the workspace,
// and the last block to finish reduces them all. Returns true in all threads of that block, with
// the result in *value; the other blocks are done.
template <unsigned kThreads, class T, class Op>
HS_DEVICE bool grid_reduce(T* value, Op op, void* workspace, BlockScratch<T>& scratch,
                           unsigned& last HS_AND_CALLER) {
  auto* grid = static_cast<GridWorkspace*>(workspace);
  T* partials = grid->template partials<T>();
  if (threadIdx.x == 0) partials[blockIdx.x] = *value;
  if (!last_to_finish(grid->counters[0], gridDim.x, last HS_PASS_CALLER)) return false;
  T sum = Op::identity();
  for (unsigned b = threadIdx.x; b < gridDim.x; b += kThreads) {
    sum = op(sum, load_from_l2(&partials[b]));
  }
  *value = block_reduce<kThreads>(sum, op, scratch HS_PASS_CALLER);
  return true;
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_REDUCE_H
