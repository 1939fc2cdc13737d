#include "sim/shared_memory.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

#include "sim/limits.h"
#include "sim/races.h"

namespace hs::sim {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kUsable = (kMaxSharedBytes + kPage - 1) / kPage * kPage;
constexpr std::size_t kGuard = 16 * kPage;

}  // namespace

SharedMemory::SharedMemory() {
  void* mapping =
      mmap(nullptr, kUsable + kGuard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<unsigned char*>(mapping);
  mprotect(mapping_ + kUsable, kGuard, PROT_NONE);
}

SharedMemory::~SharedMemory() {
  if (mapping_) munmap(mapping_, kUsable + kGuard);
}

unsigned char* SharedMemory::begin(std::size_t bytes) const {
  std::size_t rounded = (bytes + 15) / 16 * 16;
  unsigned char* start = mapping_ + kUsable - rounded;
  if (kRaces && rounded > 0) {
    // Maps new memory, so that the race checker does not relate the accesses of the last block to
    // those of this one.
    const std::size_t pages = (rounded + kPage - 1) / kPage * kPage;
    mmap(mapping_ + kUsable - pages, pages, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
  std::memset(start, 0xff, rounded);
  return start;
}

long SharedMemory::past_end(const void* address) const {
  const unsigned char* end = mapping_ + kUsable;
  auto* at = static_cast<const unsigned char*>(address);
  return at >= end && at < end + kGuard ? at - end : -1;
}

}  // namespace hs::sim
