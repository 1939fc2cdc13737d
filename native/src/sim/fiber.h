// Fibers: stacks that one operating-system thread runs in turn.
//
// A switch saves the six registers that the x86-64 System V ABI asks a callee to keep and swaps
// stack pointers. Floating-point control words are the same on every fiber and stay untouched.
#ifndef HALFSTEP_SIM_FIBER_H
#define HALFSTEP_SIM_FIBER_H

#include <cstddef>
#include <memory>
#include <vector>

namespace hs::sim {

struct Fiber {
  void* stack_pointer = nullptr;  // where it stopped
  void* stack = nullptr;          // lowest usable byte; a guard page lies below
  std::size_t stack_bytes = 0;
  std::size_t color = 0;       // start of its frames below the stack's end, see FiberPool
  void* fake_stack = nullptr;  // AddressSanitizer's
};

// Makes `fiber` start in `entry` at its next switch, whatever it did before. `entry` never returns.
void prepare(Fiber& fiber, void (*entry)());

// Called first thing in an entry function.
void fiber_entered();

// Stops the running fiber, described by `from`, and continues `to`.
void switch_fiber(Fiber& from, Fiber& to);

// Describes the stack of the calling thread, so that fibers can switch back to it.
void describe_own_stack(Fiber& fiber);

// Fills the registers of a signal's context so that returning from the handler continues `to` and
// forgets the fiber that was interrupted.
void resume_after_signal(void* signal_context, Fiber& to);

// Fibers of one thread, made when they are first needed and reused ever after.
class FiberPool {
 public:
  explicit FiberPool(void (*entry)()) : entry_(entry) {}
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  Fiber* take();
  void give_back(Fiber* fiber) { free_.push_back(fiber); }
  // Abandons whatever the fibers were doing; all of them are free again.
  void reset();
  bool holds(const void* address) const;  // in a stack or in the guard page below one

 private:
  void (*entry_)();
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_FIBER_H
