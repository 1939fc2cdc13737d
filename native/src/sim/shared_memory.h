// Dynamic shared memory of one block: ends at a guard page, starts as NaN bits.
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
  // How far behind the end `address` lies, if it is in the guard page; otherwise -1.
  long past_end(const void* address) const;

 private:
  unsigned char* mapping_;
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_SHARED_MEMORY_H
