// Runs CUDA kernels on the host, one thread of a block at a time.
//
// The blocks of a grid run in groups, one group after another; a group is a block, a cluster, or
// all blocks of a cooperative launch. A fiber runs each CUDA thread until it has to wait for others
// at a barrier or in a warp collective; then another thread of the same group continues. When the
// thread of a fiber ends, the fiber starts the next thread itself, so a kernel without barriers
// needs one fiber.
//
// A fault of a kernel (a barrier that some threads never reach, an access outside of memory) ends
// the launch with a report; the threads that were running are abandoned without unwinding.
#ifndef HALFSTEP_SIM_EXECUTOR_H
#define HALFSTEP_SIM_EXECUTOR_H

#include <csignal>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "cuda/launch_shape.h"
#include "sim/async_copies.h"
#include "sim/fiber.h"
#include "sim/limits.h"
#include "sim/place.h"
#include "sim/races.h"
#include "sim/schedule.h"
#include "sim/shared_memory.h"

namespace hs::sim {

using cuda::Dim3;
using cuda::LaunchShape;

constexpr unsigned kWarp = 32;
constexpr std::size_t kOperandBytes = 64;  // the most bytes of a lane's operand in a collective

struct Collective;
using Complete = void (*)(Collective&);

// An exchange among the lanes of a mask: each brings an operand, the last lane to arrive computes
// all results, and each lane takes its own.
struct Collective {
  std::uint32_t mask = 0;
  std::uint32_t arrived = 0;
  unsigned readers = 0;
  Place place;
  Complete complete = nullptr;
  alignas(16) unsigned char slots[kWarp][kOperandBytes];

  template <class T>
  T& slot(unsigned lane) {
    static_assert(sizeof(T) <= kOperandBytes);
    return *reinterpret_cast<T*>(slots[lane]);
  }
  bool has(unsigned lane) const { return mask >> lane & 1u; }
};

struct Warp {
  std::uint32_t lanes = 0;  // a bit for each lane that exists
  std::vector<Collective*> open;
};

struct Barrier {
  unsigned arrived = 0;
  Place place;
};

struct Block {
  Dim3 index;
  unsigned number = 0;      // its index in the group
  unsigned rank = 0;        // its index in the cluster
  unsigned first_warp = 0;  // the index of its first warp in the group
  unsigned char* shared = nullptr;
  Barrier barrier;
};

enum class State : std::uint8_t {
  kReady,
  kAtBarrier,
  kAtClusterBarrier,
  kAtTeamBarrier,
  kInCollective,
  kEnded
};

struct Thread {
  Dim3 index;
  Block* block = nullptr;
  unsigned warp = 0;  // the index of its warp in the group
  unsigned lane = 0;
  State state = State::kReady;
  Place place;             // its last barrier or collective
  Fiber* fiber = nullptr;  // null until it starts
  AsyncCopies copies;
};

// A barrier for one thread of each of several blocks, identified by the word in which they count.
struct TeamBarrier {
  const void* word;
  Barrier barrier;
  std::vector<const Thread*> waiting;
};

struct Fault {
  enum Kind { kNone, kDeadlock, kBarrier, kCollective, kMask, kAddress, kMisuse } kind = kNone;
  const Thread* thread = nullptr;
  Place place = {};
  const void* address = nullptr;
  const void* code = nullptr;  // the instruction that accessed `address`
  int signal = 0;
  const char* words = nullptr;
};

class Executor {
 public:
  static Executor& of_this_thread();

  // Runs `kernel(arguments)` for every thread of the grid. Returns a description of the fault, or
  // "".
  std::string run(const LaunchShape& shape, void (*kernel)(const void*), const void* arguments);

  // A running kernel calls the functions below.
  const LaunchShape& shape() const { return shape_; }
  void sync_block(Place place);
  void sync_cluster(Place place);
  // The calling threads of `blocks` blocks of a cooperative launch wait for each other.
  void sync_team(const void* word, unsigned blocks, Place place);
  // Takes part in the collective of `mask` with an operand of `bytes` bytes; on return `operand`
  // holds the result.
  void collect(std::uint32_t mask, void* operand, std::size_t bytes, Complete complete,
               Place place);
  // The address in the shared memory of block `rank` of the cluster that has the same offset as
  // `own`.
  void* map_shared(const void* own, unsigned rank, Place place);
  [[noreturn]] void misuse(const char* words, Place place);
  Schedule& schedule() { return schedule_; }

  // Called by the signal handler. Returns false if the signal was not caused by a kernel.
  bool take_signal(int signal, const siginfo_t& info, void* context);

 private:
  Executor();
  std::string check(const LaunchShape& shape) const;
  unsigned group_blocks() const;
  void start_group(std::size_t group);
  void run_threads();
  void end_thread(Thread& self);
  Thread* next();
  Fiber* own_fiber(std::size_t thread);
  void wait(State state);
  void continue_with(Thread& thread, Fiber& from);
  void release(unsigned first_warp, unsigned warps);
  bool arrive(Barrier& barrier, unsigned expected, Place place);
  [[noreturn]] void stop(const Fault& fault);
  std::string report() const;
  static void fiber_main();

  LaunchShape shape_;
  void (*kernel_)(const void*) = nullptr;
  const void* arguments_ = nullptr;
  Schedule schedule_;
  Fault fault_;

  // The group of blocks that is running.
  unsigned block_threads_ = 0;
  unsigned block_warps_ = 0;
  std::vector<Block> blocks_;
  std::vector<Thread> threads_;  // padded to whole warps
  std::vector<Warp> warps_;
  std::vector<std::uint32_t> ready_;  // a word for each warp, a bit for each lane
  unsigned remaining_ = 0;
  Barrier cluster_barrier_;
  std::vector<TeamBarrier> team_barriers_;
  std::deque<Collective> collectives_;
  std::vector<Collective*> free_collectives_;
  std::vector<SharedMemory> shared_;

  Fiber main_;
  FiberPool fibers_;

  // Barriers are numbered in this order: those of the blocks, the cluster, the warps, the teams.
  std::size_t barrier_of_cluster() const { return blocks_.size(); }
  std::size_t barrier_of_warp(std::size_t warp) const { return blocks_.size() + 1 + warp; }
  std::size_t barrier_of_team(std::size_t team) const {
    return barrier_of_warp(warps_.size()) + team;
  }
  Races races_;
  std::vector<Fiber*> own_fibers_;  // under the race checker each thread keeps its own stack
};

// The CUDA thread that is running; null outside of a launch.
extern constinit thread_local Thread* current_thread __attribute__((tls_model("initial-exec")));

// Describes a fault in words; `where` describes its address.
std::string describe(const Fault& fault, const std::string& where, const LaunchShape& shape,
                     const std::vector<Thread>& threads, const std::vector<Block>& blocks);

// The instruction that a signal interrupted.
const void* interrupted_code(const void* signal_context);

// Makes memory faults inside kernels call take_signal; other faults go to the previous handlers.
void install_signal_handler();

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_EXECUTOR_H
