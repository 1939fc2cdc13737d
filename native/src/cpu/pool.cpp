#include "cpu/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "core/error.h"
#include "cpu/cpu_count.h"

namespace hs::cpu {
namespace {

constexpr int kMaxThreads = 256;
constexpr int64_t kHugePage = int64_t{2} << 20;
// Below this cost a second thread gains less than handing out the work takes.
constexpr double kSerialNs = 8000;           // workers may be parked
constexpr double kSerialInSessionNs = 3000;  // workers are likely to spin
constexpr int64_t kSpinNs = 50000;
constexpr int64_t kPoliteNs = 5000;           // from then on, spinning gives way to other threads
constexpr unsigned kFlushDenormals = 0x8040;  // MXCSR: flush to zero, denormals are zero

int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

// Spins until done() or for kSpinNs; says whether done() came true.
template <class Done>
bool spin_until(const Done& done) {
  const int64_t start = now_ns();
  for (;;) {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      _mm_pause();
    }
    const int64_t elapsed = now_ns() - start;
    if (elapsed > kSpinNs) return done();
    if (elapsed > kPoliteNs) sched_yield();
  }
}

// What the calling thread is doing.
struct ThreadState {
  bool in_tile = false;    // it runs a tile, or is a worker
  bool owns_pool = false;  // through a session
  unsigned saved_csr = 0;  // of a session
};
thread_local constinit ThreadState thread_state;

class FlushDenormals {
 public:
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushDenormals); }
  ~FlushDenormals() { _mm_setcsr(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned saved_;
};

class Pool {
 public:
  int threads() {
    const int set = threads_.load(std::memory_order_relaxed);
    if (set != 0) return set;
    static const int usable = usable_cpus();
    return usable;
  }

  void set_threads(int threads) {
    while (!try_lock()) sched_yield();
    stop_workers();
    threads_.store(std::clamp(threads, 0, kMaxThreads), std::memory_order_relaxed);
    unlock();
  }

  bool try_lock() {
    return !busy_.load(std::memory_order_relaxed) &&
           !busy_.exchange(true, std::memory_order_acquire);
  }
  void unlock() { busy_.store(false, std::memory_order_release); }

  // The pool must be locked, for this and what follows.
  void wake_workers() {
    start_workers();
    if (parked_.load(std::memory_order_seq_cst) == 0) return;
    wake_.fetch_add(1, std::memory_order_seq_cst);
    futex_wake(wake_, kMaxThreads);
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

  // The ticket holds the job's generation (32 bits) and the claims that are left, [front, back) of
  // 16 bits each. The caller claims from the front, workers from the back, so that on two threads
  // each sees the same half of a tensor from one kernel to the next. A claim succeeds only while
  // the ticket is as it was read; so the job's fields, read before, were those of its generation.
  static constexpr uint32_t kMaxClaims = 0xffff;
  static uint32_t front_of(uint64_t t) { return static_cast<uint32_t>(t >> 16) & kMaxClaims; }
  static uint32_t back_of(uint64_t t) { return static_cast<uint32_t>(t) & kMaxClaims; }

  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<TileFn> fn_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<int64_t> tiles_{0};
  std::atomic<int64_t> group_{1};              // tiles of one claim
  std::atomic<int64_t> lacking_{0};            // bytes of scratch that a tile could not get
  alignas(64) std::atomic<uint32_t> done_{0};  // claims that workers have finished
  std::atomic<uint32_t> caller_waits_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};  // what parked workers wait on
  std::atomic<uint32_t> parked_{0};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<bool> busy_{false};
  std::atomic<int> threads_{0};  // 0: the default

  pthread_t workers_[kMaxThreads];  // guarded by busy_, like what follows
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
  // A worker that parks after this load sees the ticket before it sleeps.
  if (parked_.load(std::memory_order_seq_cst) > 0) {
    wake_.fetch_add(1, std::memory_order_seq_cst);
    futex_wake(wake_, static_cast<int>(claims) - 1);
  }
  const uint32_t others = static_cast<uint32_t>(claims) - claim_and_run(true);
  const auto finished = [&] { return done_.load(std::memory_order_acquire) == others; };
  if (!spin_until(finished)) {
    caller_waits_.store(1, std::memory_order_seq_cst);
    for (uint32_t done; (done = done_.load(std::memory_order_seq_cst)) != others;) {
      futex_wait(done_, done);
    }
    caller_waits_.store(0, std::memory_order_relaxed);
  }
  if (const int64_t bytes = lacking_.load(std::memory_order_relaxed); bytes != 0) [[unlikely]] {
    lacking_.store(0, std::memory_order_relaxed);
    throw NoScratch(bytes);
  }
}

// Runs claims until none is left; returns how many.
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
  pthread_setname_np(pthread_self(), "halfstep");
  thread_state.in_tile = true;
  _mm_setcsr(_mm_getcsr() | kFlushDenormals);
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (const uint32_t finished = claim_and_run(false); finished > 0) {
      done_.fetch_add(finished, std::memory_order_seq_cst);
      if (caller_waits_.load(std::memory_order_seq_cst) != 0) futex_wake(done_, 1);
    }
    if (spin_until([this] { return has_claims() || stopping_.load(std::memory_order_relaxed); })) {
      continue;
    }
    const uint32_t seen = wake_.load(std::memory_order_seq_cst);
    parked_.fetch_add(1, std::memory_order_seq_cst);
    const uint64_t t = ticket_.load(std::memory_order_seq_cst);
    if (front_of(t) >= back_of(t) && !stopping_.load(std::memory_order_seq_cst)) {
      futex_wait(wake_, seen);
    }
    parked_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Pool::start_workers() {
  const int wanted = threads() - 1;
  if (worker_count_ >= wanted) return;
  // Signals are for the program's own threads; faults stay where they happen.
  sigset_t all, before;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (worker_count_ < wanted) {
    const auto body = [](void* self) -> void* {
      static_cast<Pool*>(self)->work();
      return nullptr;
    };
    // Where the system gives no more threads, those that there are do the work.
    if (pthread_create(&workers_[worker_count_], nullptr, body, this) != 0) break;
    ++worker_count_;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Pool::stop_workers() {
  stopping_.store(true, std::memory_order_seq_cst);
  wake_.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(wake_, kMaxThreads);
  while (worker_count_ > 0) pthread_join(workers_[--worker_count_], nullptr);
  stopping_.store(false, std::memory_order_seq_cst);
}

// What run_tiles takes for one call, and gives back whatever the tiles throw.
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

// One growing block of a thread.
class Block {
 public:
  ~Block() { std::free(data_); }
  void* at_least(int64_t bytes) {
    if (bytes >= 0 && bytes <= size_) return data_;
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
    if (bytes < 0 || bytes > kMostBytes) throw NoScratch(bytes);
    const int64_t align = bytes >= kHugePage ? kHugePage : 4096;
    const int64_t whole = (bytes + align - 1) / align * align;
    data_ = std::aligned_alloc(static_cast<size_t>(align), static_cast<size_t>(whole));
    if (data_ == nullptr) throw NoScratch(bytes);
    size_ = whole;
    if (align == kHugePage) madvise(data_, static_cast<size_t>(size_), MADV_HUGEPAGE);
    return data_;
  }

 private:
  static constexpr int64_t kMostBytes = int64_t{1} << 47;  // what a process can address

  void* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace

int pool_threads() { return pool().threads(); }

void set_pool_threads(int threads) { pool().set_threads(threads); }

void pool_session_begin() {
  thread_state.saved_csr = _mm_getcsr();
  _mm_setcsr(thread_state.saved_csr | kFlushDenormals);
  if (pool().threads() == 1 || !pool().try_lock()) return;
  thread_state.owns_pool = true;
  pool().wake_workers();
}

void pool_session_end() {
  if (thread_state.owns_pool) {
    thread_state.owns_pool = false;
    pool().unlock();
  }
  _mm_setcsr(thread_state.saved_csr);
}

void run_tiles(int64_t tiles, double cost_ns, TileFn fn, void* context) {
  ThreadState& self = thread_state;
  if (self.in_tile) return run_here(tiles, fn, context);
  const FlushDenormals flush;
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
  thread_local Block blocks[2];
  return blocks[use == Scratch::kTile].at_least(bytes);
}

}  // namespace hs::cpu
