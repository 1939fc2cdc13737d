// Waiting for a word that another thread changes: asleep, or in a loop.
#ifndef HALFSTEP_PLATFORM_WAIT_H
#define HALFSTEP_PLATFORM_WAIT_H

#include <atomic>
#include <cstdint>

namespace hs::platform {

// Sleeps while `word` is `value`, until a wake(). May return early: callers look at the word again.
void wait(std::atomic<uint32_t>& word, uint32_t value);

// Wakes up to `count` threads that sleep on `word`.
void wake(std::atomic<uint32_t>& word, int count);

// A short pause between two looks at a word, in which a thread on the same core runs better.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("isb" : : : "memory");  // `yield` does nothing on most processors
#endif
}

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_WAIT_H
