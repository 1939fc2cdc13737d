// The order in which threads and blocks run, and the time at which asynchronous work is done.
//
// Two opposite orders reveal most missing barriers; random orders reveal the rest.
#ifndef HALFSTEP_SIM_SCHEDULE_H
#define HALFSTEP_SIM_SCHEDULE_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hs::sim {

enum class Order {
  kForward,  // lowest thread and block first; asynchronous work is done as late as possible
  kReverse,  // highest thread and block first; asynchronous work is done at once
  kRandom,   // random, from a seed
};

struct ScheduleOptions {
  Order order = Order::kForward;
  std::uint64_t seed = 0;
};

// Sets the schedule for launches from now on. At first it is the one that HALFSTEP_SIM_ORDER names
// (forward, reverse or random:SEED), or otherwise forward.
void set_schedule(ScheduleOptions options);
ScheduleOptions schedule_options();

class Schedule {
 public:
  // Starts a launch.
  void begin(ScheduleOptions options, std::size_t groups);

  std::size_t group(std::size_t turn) const;
  // Picks one of the bits that are set in `words`, 32 in each. Returns its number, or -1 if none is
  // set.
  long pick(const std::vector<std::uint32_t>& words);
  // Whether an asynchronous copy that was just queued lands at once.
  bool copy_lands_at_once();

 private:
  std::uint64_t random();

  Order order_ = Order::kForward;
  std::uint64_t state_ = 0;
  std::size_t groups_ = 0, stride_ = 1, offset_ = 0;
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_SCHEDULE_H
