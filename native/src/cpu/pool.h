// The process's only thread pool.
//
// Work is cut into tiles that depend on shapes alone, never on the number of threads, so results do
// not depend on that number either. Threads claim one tile at a time: the caller waits only for
// tiles that another thread has begun, never for a worker that has not woken up. If another thread
// is using the pool, the caller runs its tiles alone. Denormal floats are flushed to zero on every
// thread while tiles run; the caller's float mode is restored afterwards.
#ifndef HALFSTEP_CPU_POOL_H
#define HALFSTEP_CPU_POOL_H

#include <cstdint>

namespace hs::cpu {

// The number of threads that work on one call, counting the caller.
int pool_threads();

// Sets that number: 1..256, or 0 for the default (the processors that this process may use). Waits
// until the pool is free; must not be called between pool_session_begin and pool_session_end.
void set_pool_threads(int threads);

// Called before and after a list of kernels: a session locks the pool for this thread, if it is
// free, and wakes the workers once; between kernels they spin for at most 50 us. Sessions do not
// nest.
void pool_session_begin();
void pool_session_end();

using TileFn = void (*)(void* context, int64_t tile);

// Calls fn(context, tile) for every tile in [0, tiles), in any order, and returns when all are
// done. `cost_ns` is the approximate time of all tiles on one thread; if it is small, the caller
// runs them alone. A call from inside a tile or from a worker runs all tiles on that thread. If a
// tile throws NoScratch, run_tiles throws it too.
void run_tiles(int64_t tiles, double cost_ns, TileFn fn, void* context);

// As run_tiles, for a callable fn(tile). Always inlined, so that no code for a kernel's instruction
// set ends up in a function that the linker could share.
template <class Fn>
__attribute__((always_inline)) inline void parallel_for(int64_t tiles, double cost_ns,
                                                        const Fn& fn) {
  run_tiles(
      tiles, cost_ns, [](void* context, int64_t tile) { (*static_cast<const Fn*>(context))(tile); },
      const_cast<Fn*>(&fn));
}

// Scratch memory of the calling thread, valid until its next call for the same use. Memory is kept
// and only grows, so that repeated work allocates nothing. Aligned to 64 bytes. Throws NoScratch if
// the system has no memory left.
enum class Scratch {
  kCall,  // for all tiles of one call; asked for by the caller
  kTile,  // for one tile, while it runs; asked for by the thread that runs it
};
void* thread_scratch(Scratch use, int64_t bytes);

}  // namespace hs::cpu

#endif  // HALFSTEP_CPU_POOL_H
