// Clusters: blocks that run together and can read each other's shared memory (sm_90 and later). On
// earlier devices kernels are launched with clusters of one block, for which these functions do
// nothing that a block does not need.
#ifndef HALFSTEP_CUDA_PTX_CLUSTER_H
#define HALFSTEP_CUDA_PTX_CLUSTER_H

#include "cuda/platform.h"

namespace hs::cuda {

HS_DEVICE unsigned cluster_rank() {
#ifdef HS_SIM
  return sim::current_thread->block->rank;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
#else
  return 0;
#endif
}

HS_DEVICE unsigned cluster_size() {
#ifdef HS_SIM
  return sim::Executor::of_this_thread().shape().cluster;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  unsigned size;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  return size;
#else
  return 1;
#endif
}

// A barrier for all threads of the cluster: after it, all see what was written to shared memory
// before it.
HS_DEVICE void cluster_sync(HS_CALLER) {
#ifdef HS_SIM
  sim::Executor::of_this_thread().sync_cluster(place);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  __syncwarp();  // .aligned requires that all threads of the warp execute the barrier together
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
#else
  __syncthreads();
#endif
}

// Loads the value at the address of `own` from the shared memory of block `rank` of the cluster; T
// is made of 4-byte words.
template <class T>
HS_DEVICE T load_from_block(const T* own, [[maybe_unused]] unsigned rank HS_AND_CALLER) {
#ifdef HS_SIM
  return *static_cast<T*>(sim::Executor::of_this_thread().map_shared(own, rank, place));
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  constexpr int kWords = sizeof(T) / 4;
  auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(own));
  unsigned words[kWords];
  HS_UNROLL for (int w = 0; w < kWords; ++w) {
    asm volatile(
        "{\n\t.reg .b32 remote;\n\t"
        "mapa.shared::cluster.u32 remote, %1, %2;\n\t"
        "ld.shared::cluster.u32 %0, [remote];\n\t}"
        : "=r"(words[w])
        : "r"(address + 4 * w), "r"(rank)
        : "memory");
  }
  T value;
  memcpy(&value, words, sizeof(T));
  return value;
#else
  return *own;
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_CLUSTER_H
