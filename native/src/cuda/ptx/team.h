// Teams: blocks of a cooperative launch, which all run at the same time and may wait for each
// other.
#ifndef HALFSTEP_CUDA_PTX_TEAM_H
#define HALFSTEP_CUDA_PTX_TEAM_H

#include "cuda/platform.h"

namespace hs::cuda {

// A barrier for all threads of `blocks` blocks; this block has number `rank`. After it, all see
// what was written to memory before it (with load_from_l2, if the first-level cache may hold an
// older value). `word` lies in memory that was zeroed once. Each block adds 1 to it, except that
// block 0 adds 2^31 - (blocks - 1): when all blocks have arrived, the sum has grown by 2^31, so its
// upper bit has flipped, and the word need not be reset.
HS_DEVICE void team_sync(unsigned& word, [[maybe_unused]] unsigned rank,
                         unsigned blocks HS_AND_CALLER) {
  __syncthreads(HS_CALLER_ONLY);
  if (threadIdx.x == 0) {
#ifdef HS_SIM
    sim::Executor::of_this_thread().sync_team(&word, blocks, place);
#else
    __threadfence();  // makes the block's writes visible before its arrival
    unsigned before = atomicAdd(&word, rank == 0 ? 0x80000000u - (blocks - 1) : 1u), now;
    do {
      asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                   : "=r"(now)
                   : "l"(__cvta_generic_to_global(&word))
                   : "memory");
    } while (((now ^ before) & 0x80000000u) == 0);
    __threadfence();  // orders the reads of the others' data after the others' arrival
#endif
  }
  __syncthreads(HS_CALLER_ONLY);
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_TEAM_H
