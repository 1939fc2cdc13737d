// Reductions as a ladder: thread -> warp -> block -> cluster -> grid. The order of the operations
// depends on the launch alone, so results are bitwise the same from run to run; nothing is added
// atomically but integer counters.
//
// `Op` is a struct with identity() and operator()(a, b), which must commute bit by bit.
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

// A float and where it was found. Of equal ones the first counts.
struct ValueAt {
  float value;
  std::int32_t index;
};

struct LargestAt {
  // Not minus infinity, so that differences from it are numbers.
  HS_DEVICE static ValueAt identity() { return {-3.40282347e38f, 0x7fffffff}; }
  HS_DEVICE ValueAt operator()(const ValueAt& a, const ValueAt& b) const {
    if (a.value != b.value) return a.value > b.value ? a : b;
    return a.index < b.index ? a : b;
  }
};

// The value of the lane whose number differs in the bits of `lanes`; T is made of 4-byte words.
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

// Over the groups of `kLanes` lanes (a power of two) that a warp is made of; every lane gets its
// group's result. All lanes of the warp take part.
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

// One slot a warp.
template <class T>
struct BlockScratch {
  T slot[kWarpSize];
};

// Over a block of `kThreads`, a multiple of 32; every thread gets the result. The scratch may be
// used again at once.
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

// Over a cluster, in the order of its blocks: `own` is the block's result, which all its threads
// hold, `slot` lies in its shared memory.
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

// A workspace (stream.h): counters, which every kernel leaves zero, words for barriers of blocks, and
// partial results.
struct GridWorkspace {
  unsigned counters[kGridCounters];
  unsigned barriers[kGridCounters];
  // Then the blocks' partial results.
  template <class T>
  HS_DEVICE T* partials() {
    return reinterpret_cast<T*>(this + 1);
  }
};
static_assert(sizeof(GridWorkspace) == kCounterBytes);

// True in all threads of the last of `parts` blocks that come here with this counter; that block
// sees what the others wrote before. `last` lies in shared memory.
HS_DEVICE bool last_to_finish(unsigned& counter, unsigned parts, unsigned& last HS_AND_CALLER) {
  __syncthreads(HS_CALLER_ONLY);  // the block has written its results
  if (threadIdx.x == 0) {
    __threadfence();  // they are seen before the count
    last = atomicAdd(&counter, 1u) == parts - 1;
    if (last) counter = 0;
  }
  __syncthreads(HS_CALLER_ONLY);
  __threadfence();  // the count is seen before the others' results
  return last;
}

// Over the grid, in the order of the blocks: each block leaves its result in the workspace, and the
// block that comes last reduces them all. Returns true in all threads of that block, with the
// result; the other blocks are done.
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
