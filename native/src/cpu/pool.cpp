#include "cpu/pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "core/error.h"
#include "platform/cpu_count.h"
#include "platform/float_mode.h"
#include "platform/pages.h"
#include "platform/thread.h"
#include "platform/wait.h"

namespace hs::cpu {
namespace {

constexpr int kMaxThreads = 256;
// Work that costs less runs on the caller alone: handing it out takes longer than a second thread
// saves.
constexpr double kSerialNs = 8000;           // outside a session, where workers may be parked
constexpr double kSerialInSessionNs = 3000;  // in a session, where workers are likely to spin
constexpr std::chrono::microseconds kSpin{50};
constexpr std::chrono::microseconds kPolite{5};  // after this time a spinning thread yields

// Spins until done() is true, or for kSpin; returns whether it became true.
template <class Done>
bool spin_until(const Done& done) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      platform::pause();
    }
    const auto elapsed = std::chrono::steady_clock::now() - start;
    if (elapsed > kSpin) return done();
    if (elapsed > kPolite) std::this_thread::yield();
  }
}

// State of the calling thread.
struct ThreadState {
  bool in_tile = false;               // it is running a tile, or is a worker
  bool owns_pool = false;             // its session has locked the pool
  platform::FloatMode mode_before{};  // its float mode before the session
};
thread_local constinit ThreadState thread_state;

class Pool {
 public:
  int threads() {
    const int set = threads_.load(std::memory_order_relaxed);
    if (set != 0) return set;
    static const int usable = platform::usable_cpus();
    return usable;
  }

  void set_threads(int threads) {
    while (!try_lock()) std::this_thread::yield();
    stop_workers();
    threads_.store(std::clamp(threads, 0, kMaxThreads), std::memory_order_relaxed);
    unlock();
  }

  bool try_lock() {
    return !busy_.load(std::memory_order_relaxed) &&
           !busy_.exchange(true, std::memory_order_acquire);
  }
  void unlock() { busy_.store(false, std::memory_order_release); }

  // For this function and those that follow, the caller must have locked the pool.
  void wake_workers() {
    start_workers();
    if (parked_.load(std::memory_order_seq_cst) == 0) return;
    wake_.fetch_add(1, std::memory_order_seq_cst);
    platform::wake(wake_, kMaxThreads);
  }

  void run(int64_t tiles, TileFn fn, void* context);

 private:
  void start_workers();
  void stop_workers();
  void work();
  uint32_t claim_and_run(bool from_front);
  bool has_claims() const {
    const uint64_t t = ticket_.load(std::memory_order_acquire);
    return front_of(t) < back_of(t);
  }

  // The ticket holds the job's generation (32 bits) and the range of claims that are left, [front,
  // back), 16 bits each. The caller claims from the front and workers from the back, so that with
  // two threads each works on the same half of a tensor from one kernel to the next. A claim is a
  // compare-and-swap of the ticket: if it succeeds, the ticket has not changed, so the job's fields
  // that the thread read before belong to the same generation.
  static constexpr uint32_t kMaxClaims = 0xffff;
  static uint32_t front_of(uint64_t t) { return static_cast<uint32_t>(t >> 16) & kMaxClaims; }
  static uint32_t back_of(uint64_t t) { return static_cast<uint32_t>(t) & kMaxClaims; }

  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<TileFn> fn_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<int64_t> tiles_{0};
  std::atomic<int64_t> group_{1};              // tiles per claim
  std::atomic<int64_t> lacking_{0};            // bytes of scratch that a tile could not get
  alignas(64) std::atomic<uint32_t> done_{0};  // number of claims that workers have finished
  std::atomic<uint32_t> caller_waits_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};  // parked workers wait until it changes
  std::atomic<uint32_t> parked_{0};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<bool> busy_{false};
  std::atomic<int> threads_{0};  // 0: the default

  platform::Thread workers_[kMaxThreads];  // guarded by busy_, like worker_count_
  int worker_count_ = 0;
};

// Never destroyed: workers may outlive static objects.
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

void Pool::run(int64_t tiles, TileFn fn, void* context) {
  start_workers();
  const int64_t group = (tiles + kMaxClaims - 1) / kMaxClaims;
  const uint64_t claims = static_cast<uint64_t>((tiles + group - 1) / group);
  fn_.store(fn, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  tiles_.store(tiles, std::memory_order_relaxed);
  group_.store(group, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  const uint64_t generation = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  ticket_.store(generation << 32 | claims, std::memory_order_seq_cst);
  // A worker that parks after this load reads the new ticket before it sleeps.
  if (parked_.load(std::memory_order_seq_cst) > 0) {
    wake_.fetch_add(1, std::memory_order_seq_cst);
    platform::wake(wake_, static_cast<int>(claims) - 1);
  }
  const uint32_t others = static_cast<uint32_t>(claims) - claim_and_run(true);
  const auto finished = [&] { return done_.load(std::memory_order_acquire) == others; };
  if (!spin_until(finished)) {
    caller_waits_.store(1, std::memory_order_seq_cst);
    for (uint32_t done; (done = done_.load(std::memory_order_seq_cst)) != others;) {
      platform::wait(done_, done);
    }
    caller_waits_.store(0, std::memory_order_relaxed);
  }
  if (const int64_t bytes = lacking_.load(std::memory_order_relaxed); bytes != 0) [[unlikely]] {
    lacking_.store(0, std::memory_order_relaxed);
    throw NoScratch(bytes);
  }
}

// Claims and runs tiles until no claim is left; returns the number of claims that it ran.
uint32_t Pool::claim_and_run(bool from_front) {
  uint32_t finished = 0;
  uint64_t t = ticket_.load(std::memory_order_acquire);
  while (front_of(t) < back_of(t)) {
    const TileFn fn = fn_.load(std::memory_order_relaxed);
    void* const context = context_.load(std::memory_order_relaxed);
    const int64_t tiles = tiles_.load(std::memory_order_relaxed);
    const int64_t group = group_.load(std::memory_order_relaxed);
    const int64_t claim = from_front ? front_of(t) : back_of(t) - 1;
    const uint64_t rest = from_front ? t + (1u << 16) : t - 1;
    if (!ticket_.compare_exchange_weak(t, rest, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      continue;
    }
    const int64_t end = std::min(tiles, (claim + 1) * group);
    try {
      for (int64_t tile = claim * group; tile < end; ++tile) fn(context, tile);
    } catch (const NoScratch& scratch) {
      lacking_.store(scratch.bytes, std::memory_order_relaxed);
    }
    ++finished;
    t = ticket_.load(std::memory_order_acquire);
  }
  return finished;
}

void Pool::work() {
  platform::name_this_thread("halfstep");
  thread_state.in_tile = true;
  platform::flush_denormals();
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (const uint32_t finished = claim_and_run(false); finished > 0) {
      done_.fetch_add(finished, std::memory_order_seq_cst);
      if (caller_waits_.load(std::memory_order_seq_cst) != 0) platform::wake(done_, 1);
    }
    if (spin_until([this] { return has_claims() || stopping_.load(std::memory_order_relaxed); })) {
      continue;
    }
    const uint32_t seen = wake_.load(std::memory_order_seq_cst);
    parked_.fetch_add(1, std::memory_order_seq_cst);
    const uint64_t t = ticket_.load(std::memory_order_seq_cst);
    if (front_of(t) >= back_of(t) && !stopping_.load(std::memory_order_seq_cst)) {
      platform::wait(wake_, seen);
    }
    parked_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Pool::start_workers() {
  const int wanted = threads() - 1;
  const auto body = [](void* self) -> void* {
    static_cast<Pool*>(self)->work();
    return nullptr;
  };
  // If the system allows no more threads, the existing ones do the work.
  while (worker_count_ < wanted && platform::start_thread(&workers_[worker_count_], body, this)) {
    ++worker_count_;
  }
}

void Pool::stop_workers() {
  stopping_.store(true, std::memory_order_seq_cst);
  wake_.fetch_add(1, std::memory_order_seq_cst);
  platform::wake(wake_, kMaxThreads);
  while (worker_count_ > 0) platform::join_thread(workers_[--worker_count_]);
  stopping_.store(false, std::memory_order_seq_cst);
}

// Marks this thread as running tiles, and may lock the pool; undoes both at the end, even if a tile
// throws.
class TilesOnThisThread {
 public:
  explicit TilesOnThisThread(ThreadState& self) : self_(self) { self.in_tile = true; }
  ~TilesOnThisThread() {
    if (locked_) pool().unlock();
    self_.in_tile = false;
  }
  TilesOnThisThread(const TilesOnThisThread&) = delete;
  TilesOnThisThread& operator=(const TilesOnThisThread&) = delete;

  bool try_lock_pool() { return locked_ = pool().try_lock(); }

 private:
  ThreadState& self_;
  bool locked_ = false;
};

void run_here(int64_t tiles, TileFn fn, void* context) {
  for (int64_t tile = 0; tile < tiles; ++tile) fn(context, tile);
}

// A block of scratch memory of one thread, which grows on demand.
class GrowingBlock {
 public:
  ~GrowingBlock() { platform::release(block_.data); }
  void* at_least(int64_t bytes) {
    const auto wanted = static_cast<uint64_t>(bytes);  // a size that overflowed becomes huge
    if (wanted <= block_.bytes) return block_.data;
    platform::release(block_.data);
    block_ = {nullptr, 0};
    if (wanted > kMostBytes) throw NoScratch(bytes);
    block_ = platform::allocate(wanted, 4096);
    if (block_.data == nullptr) throw NoScratch(bytes);
    return block_.data;
  }

 private:
  static constexpr uint64_t kMostBytes = uint64_t{1} << 47;  // the address space of a process

  platform::Block block_{nullptr, 0};
};

}  // namespace

int pool_threads() { return pool().threads(); }

void set_pool_threads(int threads) { pool().set_threads(threads); }

void pool_session_begin() {
  thread_state.mode_before = platform::flush_denormals();
  if (pool().threads() == 1 || !pool().try_lock()) return;
  thread_state.owns_pool = true;
  pool().wake_workers();
}

void pool_session_end() {
  if (thread_state.owns_pool) {
    thread_state.owns_pool = false;
    pool().unlock();
  }
  platform::set_float_mode(thread_state.mode_before);
}

void run_tiles(int64_t tiles, double cost_ns, TileFn fn, void* context) {
  ThreadState& self = thread_state;
  if (self.in_tile) return run_here(tiles, fn, context);
  const platform::FlushDenormals flush;
  const bool in_session = self.owns_pool;
  const bool small = tiles <= 1 || cost_ns < (in_session ? kSerialInSessionNs : kSerialNs);
  TilesOnThisThread taken(self);
  if (small || pool().threads() == 1 || (!in_session && !taken.try_lock_pool())) {
    run_here(tiles, fn, context);
  } else {
    pool().run(tiles, fn, context);
  }
}

void* thread_scratch(Scratch use, int64_t bytes) {
  thread_local GrowingBlock blocks[2];
  return blocks[use == Scratch::kTile].at_least(bytes);
}

}  // namespace hs::cpu
