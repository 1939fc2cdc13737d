// Memory for arrays, aligned.
#ifndef HALFSTEP_PLATFORM_PAGES_H
#define HALFSTEP_PLATFORM_PAGES_H

#include <cstdint>

namespace hs::platform {

struct Block {
  void* data;      // null: the system has no memory left
  uint64_t bytes;  // at least what was asked for
};

// A block of a multiple of `alignment` bytes, a power of two. From 2 MB on it is aligned to huge
// pages and asks for them: arrays are walked from end to end, and small pages cost misses of the TLB.
Block allocate(uint64_t bytes, uint64_t alignment);

// Gives its memory back; null is nothing to give.
void release(void* data);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_PAGES_H
