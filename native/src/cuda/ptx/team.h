// Teams: blocks of a cooperative launch, which all run at once and may wait for each other.
#ifndef HALFSTEP_CUDA_PTX_TEAM_H
#define HALFSTEP_CUDA_PTX_TEAM_H

#include "cuda/platform.h"

namespace hs::cuda {

// A barrier of all threads of `blocks` blocks, `rank` of which this is; what they wrote to memory
// before it is seen after (by load_from_l2, where the first-level cache may hold an older value).
// The word lies in memory that was zeroed once. Each block adds 1 to it, the first one what then is
// missing to 2^31: the upper bit flips when all have come, and nothing has to be set back.
HS_DEVICE void team_sync(unsigned& word, [[maybe_unused]] unsigned rank,
                         unsigned blocks HS_AND_CALLER) {
  __syncthreads(HS_CALLER_ONLY);
  if (threadIdx.x == 0) {
#ifdef HS_SIM
    sim::Executor::of_this_thread().sync_team(&word, blocks, place);
#else
    __threadfence();  // what the block wrote is seen before its arrival
    unsigned before = atomicAdd(&word, rank == 0 ? 0x80000000u - (blocks - 1) : 1u), now;
    do {
      asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                   : "=r"(now)
                   : "l"(__cvta_generic_to_global(&word))
                   : "memory");
    } while (((now ^ before) & 0x80000000u) == 0);
    __threadfence();  // the others' arrival is seen before what they wrote
#endif
  }
  __syncthreads(HS_CALLER_ONLY);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_TEAM_H
