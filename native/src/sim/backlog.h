// The work that a stream of the simulated device has been given and has not done yet: asynchronous
// copies and launches of lists. It is done at once, or as late as on a real device: when some call
// waits for it. So a missing wait between streams, or a host buffer that is filled again too early,
// changes results.
#ifndef HALFSTEP_SIM_BACKLOG_H
#define HALFSTEP_SIM_BACKLOG_H

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "halfstep.h"

namespace hs::sim {

class Backlog : public std::enable_shared_from_this<Backlog> {
 public:
  using Work = std::function<hs_status()>;

  Backlog();
  ~Backlog();
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  // Appends work.
  hs_status add(Work work);
  // Work that is added from now on runs after all work that `other` has been given so far.
  hs_status wait_for(std::shared_ptr<Backlog> other);
  // Does all work that is left; reports the first failure since the last finish().
  hs_status finish();
  // The backlog of a stream's native handle, which the returned pointer keeps alive; null if there
  // is none.
  static std::shared_ptr<Backlog> find(std::uint64_t handle);
  // Does all work of all streams. Each stream's own finish() reports its failures.
  static void finish_all();

 private:
  bool at_once() const;
  void run_until(std::uint64_t count);

  std::deque<Work> left_;
  std::uint64_t added_ = 0, begun_ = 0;
  bool running_ = false;  // work is in progress; its kernels call finish() again
  hs_status failed_ = HS_OK;
  std::string message_;
};

// Calls finish() of the Backlog that is the `handle` of a cuda::Stream; null is ignored.
hs_status finish(void* backlog);

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_BACKLOG_H
