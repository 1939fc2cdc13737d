// cp.async of one thread: copies from global to shared memory that land some time between their
// issue and the wait that covers them. Each must be waited for before its thread ends.
#ifndef HALFSTEP_SIM_ASYNC_COPIES_H
#define HALFSTEP_SIM_ASYNC_COPIES_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "sim/place.h"

namespace hs::sim {

class AsyncCopies {
 public:
  // Copies `bytes` of the source and fills the rest of the `bytes + zeros` with zero: at once, or
  // when it is waited for.
  void enqueue(void* to, const void* from, std::size_t bytes, std::size_t zeros, bool at_once,
               Place place) {
    pending_.push_back({to, from, bytes, zeros, group_, at_once, place});
    if (at_once) land(pending_.back());
  }
  // Closes the group of the copies queued so far.
  void commit() { ++group_; }
  // Lets all groups land but the `newest` last ones that were committed.
  void wait(std::uint64_t newest) {
    std::size_t kept = 0;
    for (Copy& copy : pending_) {
      if (copy.group + newest >= group_) {
        pending_[kept++] = copy;
      } else if (!copy.landed) {
        land(copy);
      }
    }
    pending_.resize(kept);
  }
  // Where a copy was queued that nobody has waited for; null if there is none.
  const Place* forgotten() const { return pending_.empty() ? nullptr : &pending_.front().place; }
  void clear() {
    pending_.clear();
    group_ = 0;
  }

 private:
  struct Copy {
    void* to;
    const void* from;
    std::size_t bytes, zeros;
    std::uint64_t group;
    bool landed;
    Place place;
  };
  static void land(const Copy& copy) {
    std::memcpy(copy.to, copy.from, copy.bytes);
    std::memset(static_cast<char*>(copy.to) + copy.bytes, 0, copy.zeros);
  }

  std::vector<Copy> pending_;
  std::uint64_t group_ = 0;
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_ASYNC_COPIES_H
