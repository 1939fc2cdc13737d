// Dynamic shared memory of one block: it ends at a guard page and is filled with NaN bits at first.
#ifndef HALFSTEP_SIM_SHARED_MEMORY_H
#define HALFSTEP_SIM_SHARED_MEMORY_H

#include <cstddef>

namespace hs::sim {

class SharedMemory {
 public:
  SharedMemory();
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept : mapping_(other.mapping_) {
    other.mapping_ = nullptr;
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // The last `bytes` (rounded up to 16) before the guard page, poisoned.
  unsigned char* begin(std::size_t bytes) const;
  // The distance of `address` from the end, if it lies in the guard page; otherwise -1.
  long past_end(const void* address) const;

 private:
  unsigned char* mapping_;
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_SHARED_MEMORY_H
