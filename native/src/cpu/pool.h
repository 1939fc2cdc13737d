// The one thread pool of the process.
//
// Work is cut into tiles that depend on shapes alone and never on the number of threads, so results
// do not depend on it either. Tiles are claimed one at a time: the caller waits only for tiles that
// somebody has begun, never for a worker that has not woken up. When another thread is using the
// pool, the caller runs its tiles alone. Denormal floats are flushed to zero while tiles run, on
// every thread; the caller's mode is restored.
#ifndef HALFSTEP_CPU_POOL_H
#define HALFSTEP_CPU_POOL_H

#include <cstdint>

namespace hs::cpu {

// Threads that work on one call, the caller included.
int pool_threads();

// 1..256, or 0 for the default (the processors that this process may use). Waits until the pool is
// free; not to be called between pool_session_begin and pool_session_end.
void set_pool_threads(int threads);

// Around a list of kernels: takes the pool for this thread, if it is free, and wakes the workers
// once; between kernels they spin for at most 50 us. Sessions do not nest.
void pool_session_begin();
void pool_session_end();

using TileFn = void (*)(void* context, int64_t tile);

// Calls fn(context, tile) for every tile in [0, tiles), in any order, and returns when all are
// done. `cost_ns` is what they take on one thread, roughly: a small cost runs on the caller alone.
// Inside a tile, or on a worker, on that thread alone. What a tile throws (NoScratch) is thrown on.
void run_tiles(int64_t tiles, double cost_ns, TileFn fn, void* context);

// The same for a callable fn(tile). Always inlined: no code of a kernel's instruction set is left
// in a function that the linker could share.
template <class Fn>
__attribute__((always_inline)) inline void parallel_for(int64_t tiles, double cost_ns,
                                                        const Fn& fn) {
  run_tiles(
      tiles, cost_ns, [](void* context, int64_t tile) { (*static_cast<const Fn*>(context))(tile); },
      const_cast<Fn*>(&fn));
}

// Memory of the calling thread that lasts until the next call for the same use; kept and grown, so
// that steady work allocates nothing. 64-byte aligned. Throws NoScratch where there is none.
enum class Scratch {
  kCall,  // of a caller, for all tiles of its call
  kTile,  // of whoever runs a tile, while it runs
};
void* thread_scratch(Scratch use, int64_t bytes);

}  // namespace hs::cpu

#endif  // HALFSTEP_CPU_POOL_H
