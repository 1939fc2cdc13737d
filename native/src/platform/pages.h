// Allocates aligned memory for arrays.
#ifndef HALFSTEP_PLATFORM_PAGES_H
#define HALFSTEP_PLATFORM_PAGES_H

#include <cstdint>

namespace hs::platform {

struct Block {
  void* data;      // null: the system has no memory left
  uint64_t bytes;  // at least what was asked for
};

// Allocates a block aligned to `alignment`, a power of two; its size is a multiple of that. A block
// of 2 MB or more is aligned to huge pages and asks the system for them: kernels walk through whole
// arrays, where small pages cost TLB misses.
Block allocate(uint64_t bytes, uint64_t alignment);

// Frees a block's memory; null is ignored.
void release(void* data);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_PAGES_H
