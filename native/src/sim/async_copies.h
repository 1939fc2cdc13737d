// The cp.async copies of one thread, from global to shared memory. A copy lands at some time
// between its issue and the wait for its group. The thread must wait for each of its copies before
// it ends.
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
  // Queues a copy of `bytes` bytes of the source, followed by `zeros` zero bytes. It lands at once,
  // or when the thread waits for it.
  void enqueue(void* to, const void* from, std::size_t bytes, std::size_t zeros, bool at_once,
               Place place) {
    pending_.push_back({to, from, bytes, zeros, group_, at_once, place});
    if (at_once) land(pending_.back());
  }
  // Closes the group of the copies that were queued since the last commit.
  void commit() { ++group_; }
  // Makes all groups land except the last `newest` that were committed.
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
  // The place at which a copy was queued for which no wait was made; null if there is none.
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
