// cp.async: copies from global to shared memory that bypass registers and are waited for in groups.
#ifndef HALFSTEP_CUDA_PTX_ASYNC_COPY_H
#define HALFSTEP_CUDA_PTX_ASYNC_COPY_H

#include "cuda/platform.h"

namespace hs::cuda {

// Copies the first `bytes` (0 to 16) of 16 and fills the rest of the 16 with zeros. Both addresses
// are aligned to 16; with 0 bytes `global` is not read.
HS_DEVICE void cp_async_16(void* shared, const void* global, int bytes HS_AND_CALLER) {
#ifdef HS_SIM
  auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 != 0; };
  sim::Executor& executor = sim::Executor::of_this_thread();
  if (misaligned(shared) || (bytes != 0 && misaligned(global))) {
    executor.misuse("cp.async needs addresses aligned to 16 bytes", place);
  }
  sim::current_thread->place = place;
  // A bad address is reported here, not where the copy lands.
  static_cast<volatile unsigned char*>(shared)[15] = 0xff;
  if (bytes != 0) (void)static_cast<const volatile unsigned char*>(global)[bytes - 1];
  auto n = static_cast<std::size_t>(bytes);
  sim::current_thread->copies.queue(shared, global, n, 16 - n,
                                    executor.schedule().copy_lands_at_once(), place);
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))),
               "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
#endif
}

// Closes the group of this thread's copies since the last commit.
HS_DEVICE void cp_async_commit() {
#ifdef HS_SIM
  sim::current_thread->copies.commit();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most the last `kNewest` groups of this thread are still under way.
template <int kNewest>
HS_DEVICE void cp_async_wait() {
#ifdef HS_SIM
  sim::current_thread->copies.wait(kNewest);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(kNewest) : "memory");
#endif
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PTX_ASYNC_COPY_H
