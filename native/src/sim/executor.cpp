#include "sim/executor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sim/memory.h"

namespace hs::sim {

constinit thread_local Thread* current_thread = nullptr;

Executor& Executor::of_this_thread() {
  static thread_local Executor executor;
  return executor;
}

Executor::Executor() : fibers_(&Executor::fiber_main) {
  describe_own_stack(main_);
  install_signal_handler();
}

std::string Executor::run(const LaunchShape& shape, void (*kernel)(const void*),
                          const void* arguments) {
  std::string refused = check(shape);
  if (!refused.empty()) return refused;
  shape_ = shape;
  kernel_ = kernel;
  arguments_ = arguments;
  fault_ = {};
  block_threads_ = static_cast<unsigned>(shape.block.count());
  block_warps_ = (block_threads_ + kWarp - 1) / kWarp;
  std::size_t groups = shape.grid.count() / group_blocks();
  schedule_.begin(schedule_options(), groups);
  races_.begin_launch();
  for (std::size_t turn = 0; turn < groups && fault_.kind == Fault::kNone; ++turn) {
    start_group(schedule_.group(turn));
    run_threads();
  }
  current_thread = nullptr;
  races_.end_launch();
  std::string wrong;
  if (fault_.kind != Fault::kNone) {
    wrong = report();
    fibers_.reset();
    own_fibers_.clear();
    races_.forget();
    collectives_.clear();
    free_collectives_.clear();
  }
  std::string damage = damaged_bands();
  if (wrong.empty() && !damage.empty()) {
    wrong = std::string(shape.name) + " wrote outside of an allocation: " + damage;
  }
  return wrong;
}

std::string Executor::check(const LaunchShape& shape) const {
  std::string name = std::string("launch of ") + shape.name + " refused: ";
  std::size_t threads = shape.block.count();
  if (threads == 0 || threads > kMaxThreadsPerBlock) {
    return name + "a block of " + std::to_string(threads) + " threads, 1 to " +
           std::to_string(kMaxThreadsPerBlock) + " are possible";
  }
  if (shape.grid.count() == 0 || shape.grid.x > 0x7fffffffu || shape.grid.y > 65535 ||
      shape.grid.z > 65535) {
    return name + "a grid of " + std::to_string(shape.grid.x) + " x " +
           std::to_string(shape.grid.y) + " x " + std::to_string(shape.grid.z) + " blocks";
  }
  if (shape.shared_bytes > kMaxSharedBytes) {
    return name + std::to_string(shape.shared_bytes) + " bytes of shared memory, a block has " +
           std::to_string(kMaxSharedBytes);
  }
  if (shape.cluster == 0 || shape.cluster > kMaxCluster || shape.grid.x % shape.cluster != 0) {
    return name + "clusters of " + std::to_string(shape.cluster) + " in a grid of " +
           std::to_string(shape.grid.x) + " blocks";
  }
  if (shape.cooperative) {
    std::size_t blocks =
        std::min(kThreadsOfMultiprocessor / threads,
                 kSharedOfMultiprocessor / (shape.shared_bytes + kSharedReservedForBlock));
    if (shape.grid.count() > multiprocessors() * blocks || shape.cluster > 1) {
      return name + "a cooperative grid of " + std::to_string(shape.grid.count()) + " blocks, " +
             std::to_string(multiprocessors() * blocks) + " without clusters run at once";
    }
  }
  return "";
}

unsigned Executor::group_blocks() const {
  return shape_.cooperative ? static_cast<unsigned>(shape_.grid.count()) : shape_.cluster;
}

void Executor::start_group(std::size_t group) {
  unsigned blocks = group_blocks();
  blocks_.resize(blocks);
  threads_.resize(std::size_t{blocks} * block_warps_ * kWarp);
  warps_.resize(std::size_t{blocks} * block_warps_);
  ready_.resize(warps_.size());
  while (shared_.size() < blocks) shared_.emplace_back();
  cluster_barrier_ = {};
  team_barriers_.clear();
  remaining_ = blocks * block_threads_;
  for (unsigned number = 0; number < blocks; ++number) {
    std::size_t flat = group * blocks + number;
    Block& block = blocks_[number];
    block.index.x = static_cast<unsigned>(flat % shape_.grid.x);
    block.index.y = static_cast<unsigned>(flat / shape_.grid.x % shape_.grid.y);
    block.index.z = static_cast<unsigned>(flat / shape_.grid.x / shape_.grid.y);
    block.number = number;
    block.rank = number % shape_.cluster;
    block.first_warp = number * block_warps_;
    block.shared = shared_[number].begin(shape_.shared_bytes);
    block.barrier = {};
    Dim3 index{0, 0, 0};
    for (unsigned t = 0; t < block_threads_; ++t) {
      Thread& thread = threads_[block.first_warp * kWarp + t];
      thread.index = index;
      thread.block = &block;
      thread.warp = block.first_warp + t / kWarp;
      thread.lane = t % kWarp;
      thread.state = State::kReady;
      thread.place = {};
      thread.fiber = kRaces ? own_fiber(block.first_warp * kWarp + t) : nullptr;
      thread.copies.clear();
      if (++index.x == shape_.block.x) {
        index.x = 0;
        if (++index.y == shape_.block.y) {
          index.y = 0;
          ++index.z;
        }
      }
    }
    for (unsigned w = 0; w < block_warps_; ++w) {
      unsigned lanes = std::min(kWarp, block_threads_ - w * kWarp);
      Warp& warp = warps_[block.first_warp + w];
      warp.lanes = lanes == kWarp ? ~0u : (1u << lanes) - 1;
      warp.open.clear();
      ready_[block.first_warp + w] = warp.lanes;
    }
  }
  races_.begin_group(threads_.size(), barrier_of_team(blocks));
}

Fiber* Executor::own_fiber(std::size_t thread) {
  while (own_fibers_.size() <= thread) own_fibers_.push_back(fibers_.take());
  return own_fibers_[thread];
}

// Runs on the launching thread's own stack; returns when the group has ended or failed.
void Executor::run_threads() {
  Thread* first = next();
  continue_with(*first, main_);
  races_.leave();
}

// Takes the next thread that is ready; null if the group has ended or no thread is ready.
Thread* Executor::next() {
  long number = schedule_.pick(ready_);
  if (number < 0) return nullptr;
  auto n = static_cast<std::size_t>(number);
  ready_[n / kWarp] &= ~(1u << n % kWarp);
  return &threads_[n];
}

void Executor::continue_with(Thread& thread, Fiber& from) {
  if (!thread.fiber) thread.fiber = fibers_.take();
  current_thread = &thread;
  races_.enter(static_cast<std::size_t>(&thread - threads_.data()));
  switch_fiber(from, *thread.fiber);
}

// The main function of a fiber. It runs threads to their end, one after another, until the next
// thread already has its own fiber.
void Executor::fiber_main() {
  fiber_entered();
  for (;;) {
    Executor& executor = of_this_thread();
    Thread& self = *current_thread;
    executor.races_.begin_thread();
    executor.kernel_(executor.arguments_);
    executor.end_thread(self);
  }
}

void Executor::end_thread(Thread& self) {
  if (const Place* place = self.copies.forgotten()) {
    misuse("the thread ended without waiting for this asynchronous copy", *place);
  }
  races_.end_thread();
  self.state = State::kEnded;
  --remaining_;
  Fiber* fiber = self.fiber;
  Thread* following = next();
  if (following && !following->fiber) {
    following->fiber = fiber;
    current_thread = following;
    return;
  }
  if (!kRaces) fibers_.give_back(fiber);
  if (following) {
    continue_with(*following, *fiber);
  } else {
    if (remaining_ > 0) fault_.kind = Fault::kDeadlock;
    switch_fiber(*fiber, main_);
  }
}

// Lets other threads run until this one has been made ready.
void Executor::wait(State state) {
  Thread& self = *current_thread;
  self.state = state;
  Thread* following = next();
  if (!following) stop(Fault{Fault::kDeadlock});
  continue_with(*following, *self.fiber);
  self.state = State::kReady;
}

// Makes the threads of whole warps ready, except the one that is running.
void Executor::release(unsigned first_warp, unsigned warps) {
  for (unsigned w = first_warp; w < first_warp + warps; ++w) ready_[w] = warps_[w].lanes;
  const Thread& self = *current_thread;
  ready_[self.warp] &= ~(1u << self.lane);
}

// Returns true for the last thread to arrive.
bool Executor::arrive(Barrier& barrier, unsigned expected, Place place) {
  current_thread->place = place;
  if (barrier.arrived == 0) {
    barrier.place = place;
  } else if (!(barrier.place == place)) {
    stop({.kind = Fault::kBarrier, .thread = current_thread, .place = place});
  }
  if (++barrier.arrived < expected) return false;
  barrier.arrived = 0;
  return true;
}

void Executor::sync_block(Place place) {
  Block& block = *current_thread->block;
  void* phase = races_.arrive(block.number);
  if (arrive(block.barrier, block_threads_, place)) {
    races_.complete(block.number);
    release(block.first_warp, block_warps_);
  } else {
    wait(State::kAtBarrier);
  }
  races_.pass(phase);
}

void Executor::sync_cluster(Place place) {
  if (shape_.cluster == 1) return sync_block(place);
  void* phase = races_.arrive(barrier_of_cluster());
  if (arrive(cluster_barrier_, shape_.cluster * block_threads_, place)) {
    races_.complete(barrier_of_cluster());
    release(0, static_cast<unsigned>(warps_.size()));
  } else {
    wait(State::kAtClusterBarrier);
  }
  races_.pass(phase);
}

void Executor::sync_team(const void* word, unsigned blocks, Place place) {
  if (blocks > blocks_.size()) {
    misuse("waits for more blocks than the launch makes run at once", place);
  }
  const UncheckedAccesses unchecked;
  std::size_t team = 0;
  while (team < team_barriers_.size() && team_barriers_[team].word != word) ++team;
  if (team == team_barriers_.size()) team_barriers_.push_back({word, {}, {}});
  if (team >= blocks_.size()) misuse("there are more barriers than blocks", place);
  std::size_t barrier = barrier_of_team(team);
  void* phase = races_.arrive(barrier);
  if (arrive(team_barriers_[team].barrier, blocks, place)) {
    races_.complete(barrier);
    for (const Thread* t : team_barriers_[team].waiting) ready_[t->warp] |= 1u << t->lane;
    team_barriers_[team].waiting.clear();
  } else {
    team_barriers_[team].waiting.push_back(current_thread);
    wait(State::kAtTeamBarrier);
  }
  races_.pass(phase);
}

void Executor::collect(std::uint32_t mask, void* operand, std::size_t bytes, Complete complete,
                       Place place) {
  Thread& self = *current_thread;
  self.place = place;
  Warp& warp = warps_[self.warp];
  std::uint32_t own = 1u << self.lane;
  if (!(mask & own) || (mask & ~warp.lanes)) {
    stop({.kind = Fault::kMask, .thread = &self, .place = place});
  }
  Collective* c = nullptr;
  for (Collective* open : warp.open) {
    if (open->mask == mask) c = open;
  }
  if (!c) {
    if (free_collectives_.empty()) free_collectives_.push_back(&collectives_.emplace_back());
    c = free_collectives_.back();
    free_collectives_.pop_back();
    warp.open.push_back(c);
    c->mask = mask;
    c->arrived = 0;
    c->place = place;
    c->complete = complete;
  } else if (c->complete != complete || !(c->place == place)) {
    stop({.kind = Fault::kCollective, .thread = &self, .place = place});
  }
  const UncheckedAccesses unchecked;
  // A collective without operands is a barrier (__syncwarp); those with operands, such as shuffles,
  // do not order accesses to memory.
  const bool orders = bytes == 0;
  const std::size_t barrier = barrier_of_warp(self.warp);
  void* phase = orders ? races_.arrive(barrier) : nullptr;
  if (bytes > 0) std::memcpy(c->slots[self.lane], operand, bytes);
  c->arrived |= own;
  if (c->arrived == mask) {
    std::erase(warp.open, c);
    c->readers = static_cast<unsigned>(std::popcount(mask));
    complete(*c);
    if (orders) races_.complete(barrier);
    ready_[self.warp] |= mask & ~own;
  } else {
    wait(State::kInCollective);
  }
  if (orders) races_.pass(phase);
  if (bytes > 0) std::memcpy(operand, c->slots[self.lane], bytes);
  if (--c->readers == 0) free_collectives_.push_back(c);
}

void* Executor::map_shared(const void* own, unsigned rank, Place place) {
  const Block& block = *current_thread->block;
  if (rank >= shape_.cluster) misuse("names a block outside of the cluster", place);
  const Block& other = blocks_[block.number - block.rank + rank];
  return other.shared + (static_cast<const unsigned char*>(own) - block.shared);
}

void Executor::misuse(const char* words, Place place) {
  stop({.kind = Fault::kMisuse, .thread = current_thread, .place = place, .words = words});
}

void Executor::stop(const Fault& fault) {
  fault_ = fault;
  switch_fiber(*current_thread->fiber, main_);
  __builtin_unreachable();
}

bool Executor::take_signal(int signal, const siginfo_t& info, void* context) {
  if (!current_thread) return false;
  fault_ = {.kind = Fault::kAddress,
            .thread = current_thread,
            .place = current_thread->place,
            .address = info.si_addr,
            .code = interrupted_code(context),
            .signal = signal};
  resume_after_signal(context, main_);
  return true;
}

std::string Executor::report() const {
  std::string where;
  if (fault_.kind == Fault::kAddress) {
    const Block& block = *fault_.thread->block;
    long past = shared_[block.number].past_end(fault_.address);
    if (fibers_.holds(fault_.address)) {
      where = "the stack of a thread overflowed";
    } else if (past >= 0) {
      where = "an access " + std::to_string(past) +
              " bytes past the end of the block's shared memory of " +
              std::to_string(shape_.shared_bytes) + " bytes";
    } else {
      where = "an access " + locate(fault_.address);
    }
  }
  return describe(fault_, where, shape_, threads_, blocks_);
}

}  // namespace hs::sim
