// What a stream of the simulated device has been given and has not done yet: asynchronous copies and
// launches of lists. They are done at once, or as late as a real device might: when somebody waits
// for them. So a missing wait between streams, or a buffer of the host that is filled again too
// early, changes results.
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

  // Puts work at the end.
  hs_status add(Work work);
  // What is added from now on comes after what `other` has been given so far.
  hs_status wait_for(std::shared_ptr<Backlog> other);
  // Does all that is left; reports the first failure since the last time.
  hs_status finish();
  // The one behind a stream's native handle, which whoever holds it keeps; null: there is none.
  static std::shared_ptr<Backlog> find(std::uint64_t handle);
  // Does all that any stream has left. Failures stay for the streams' own finish().
  static void finish_all();

 private:
  bool at_once() const;
  void run_until(std::uint64_t count);

  std::deque<Work> left_;
  std::uint64_t added_ = 0, begun_ = 0;
  bool running_ = false;  // the work in progress launches kernels, which come back to finish()
  hs_status failed_ = HS_OK;
  std::string message_;
};

// The same for the Backlog behind a cuda::Stream's `handle`; null: there is none.
hs_status finish(void* backlog);

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_BACKLOG_H
