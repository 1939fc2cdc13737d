// cp.async: asynchronous copies from global to shared memory that bypass registers. Threads wait
// for them in groups.
#ifndef HALFSTEP_CUDA_PTX_ASYNC_COPY_H
#define HALFSTEP_CUDA_PTX_ASYNC_COPY_H

#include "cuda/platform.h"

namespace hs::cuda {

// Writes kSize (4, 8 or 16) bytes to shared memory: copies the first `bytes`, and fills the rest
// with zeros. Both addresses are aligned to kSize; if `bytes` is 0, `global` is not read. Only
// copies of 16 bytes bypass the first-level cache.
template <int kSize>
HS_DEVICE void cp_async(void* shared, const void* global, int bytes HS_AND_CALLER) {
  static_assert(kSize == 4 || kSize == 8 || kSize == 16);
#ifdef HS_SIM
  auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kSize != 0; };
  sim::Executor& executor = sim::Executor::of_this_thread();
  if (misaligned(shared) || (bytes != 0 && misaligned(global))) {
    executor.misuse("cp.async needs addresses aligned to its size", place);
  }
  sim::current_thread->place = place;
  // Accesses both addresses now, so that a bad one is reported here and not when the copy lands.
  static_cast<volatile unsigned char*>(shared)[kSize - 1] = 0xff;
  if (bytes != 0) (void)static_cast<const volatile unsigned char*>(global)[bytes - 1];
  auto n = static_cast<std::size_t>(bytes);
  sim::current_thread->copies.enqueue(shared, global, n, kSize - n,
                                      executor.schedule().copy_lands_at_once(), place);
#else
  auto to = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  auto from = __cvta_generic_to_global(global);
  if constexpr (kSize == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(kSize),
                 "r"(bytes)
                 : "memory");
  }
#endif
}

HS_DEVICE void cp_async_16(void* shared, const void* global, int bytes HS_AND_CALLER) {
  cp_async<16>(shared, global, bytes HS_PASS_CALLER);
}

// Copies 16 bytes that are not read again; the second-level cache evicts them first.
HS_DEVICE void cp_async_16_once(void* shared, const void* global HS_AND_CALLER) {
#ifdef HS_SIM
  cp_async<16>(shared, global, 16, place);
#else
  std::uint64_t policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))),
               "l"(__cvta_generic_to_global(global)), "l"(policy)
               : "memory");
#endif
}

// Closes the group of this thread's copies that were started since the last commit.
HS_DEVICE void cp_async_commit() {
#ifdef HS_SIM
  sim::current_thread->copies.commit();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most the last `kNewest` groups of this thread are still in flight.
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
