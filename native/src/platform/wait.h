// Waits for another thread to change a word, by sleeping or by spinning.
#ifndef HALFSTEP_PLATFORM_WAIT_H
#define HALFSTEP_PLATFORM_WAIT_H

#include <atomic>
#include <cstdint>

namespace hs::platform {

// Sleeps while `word` is `value`, until a wake(). May return early, so callers check the word
// again.
void wait(std::atomic<uint32_t>& word, uint32_t value);

// Wakes up to `count` threads that sleep on `word`.
void wake(std::atomic<uint32_t>& word, int count);

// A short pause between two reads of a word in a loop; it lets another thread on the same core run
// faster.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("isb" : : : "memory");  // `yield` does nothing on most processors
#endif
}

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_WAIT_H
