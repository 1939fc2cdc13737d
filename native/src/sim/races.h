// The race checker: tells ThreadSanitizer which of the kernel's threads is running and which
// accesses its barriers order. ThreadSanitizer then reports both places of two accesses that are
// not ordered, whatever the order in which the fibers ran.
//
// It is active if built with HS_SIM_RACES; kernels are then instrumented and the runtime is not
// (native/test/races.sh). Otherwise all functions here are empty.
#ifndef HALFSTEP_SIM_RACES_H
#define HALFSTEP_SIM_RACES_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#ifdef HS_SIM_RACES
#include <sanitizer/tsan_interface.h>

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace hs::sim {

#ifdef HS_SIM_RACES

inline constexpr bool kRaces = true;

// The threads of a launch, as ThreadSanitizer sees them. Each thread of a group is a
// ThreadSanitizer "fiber"; thread i of the next group reuses the i-th.
class Races {
 public:
  ~Races() { forget(); }

  // A launch comes after all that its caller did before, and before all that the caller does next.
  void begin_launch() {
    main_ = __tsan_get_current_fiber();
    end_ = std::make_unique<std::uint64_t>();
  }
  void end_launch() { __tsan_acquire(end_.get()); }

  // Begins a group with `barriers` barriers. They get new objects at new addresses, so that the
  // order between the threads of the last group means nothing for this one.
  void begin_group(std::size_t threads, std::size_t barriers) {
    while (threads_.size() < threads) threads_.push_back(__tsan_create_fiber(0));
    barriers_ = std::make_unique<Phases[]>(barriers);
    start_ = std::make_unique<std::uint64_t>();
    __tsan_release(start_.get());
  }
  void enter(std::size_t thread) {
    __tsan_switch_to_fiber(threads_[thread], __tsan_switch_to_fiber_no_sync);
  }
  void leave() { __tsan_switch_to_fiber(main_, __tsan_switch_to_fiber_no_sync); }
  void begin_thread() { __tsan_acquire(start_.get()); }
  void end_thread() { __tsan_release(end_.get()); }

  // Called when a thread arrives at a barrier; it passes the result to pass() once all have
  // arrived. Each barrier uses two objects in turn: otherwise a thread that arrives at the next
  // barrier would be ordered before threads that have not passed this one yet.
  void* arrive(std::size_t barrier) {
    Phases& phases = barriers_[barrier];
    void* phase = &phases.object[phases.now];
    __tsan_release(phase);
    return phase;
  }
  void complete(std::size_t barrier) { barriers_[barrier].now ^= 1u; }
  void pass(void* phase) { __tsan_acquire(phase); }

  // Destroys the fibers after a launch has failed, since its threads did not end.
  void forget() {
    for (void* thread : threads_) __tsan_destroy_fiber(thread);
    threads_.clear();
  }

 private:
  struct Phases {
    std::uint64_t object[2];
    unsigned now = 0;
  };
  void* main_ = nullptr;
  std::vector<void*> threads_;
  std::unique_ptr<Phases[]> barriers_;
  std::unique_ptr<std::uint64_t> start_, end_;
};

// While it lives, ThreadSanitizer ignores accesses: those that the runtime makes on behalf of
// several threads.
class UncheckedAccesses {
 public:
  UncheckedAccesses() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~UncheckedAccesses() {
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  }
};

#else

inline constexpr bool kRaces = false;

class Races {
 public:
  void begin_launch() {}
  void end_launch() {}
  void begin_group(std::size_t, std::size_t) {}
  void enter(std::size_t) {}
  void leave() {}
  void begin_thread() {}
  void end_thread() {}
  void* arrive(std::size_t) { return nullptr; }
  void complete(std::size_t) {}
  void pass(void*) {}
  void forget() {}
};

struct UncheckedAccesses {
  UncheckedAccesses() {}
};

#endif

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_RACES_H
