// Fibers: stacks between which one operating-system thread switches.
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
  void* stack_pointer = nullptr;  // the stack pointer when it stopped
  void* stack = nullptr;          // lowest usable byte; a guard page lies below
  std::size_t stack_bytes = 0;
  std::size_t color = 0;       // offset of its first frame from the stack's end, see FiberPool
  void* fake_stack = nullptr;  // AddressSanitizer's fake stack
};

// Makes `fiber` start in `entry` at its next switch, whatever it did before. `entry` never returns.
void prepare(Fiber& fiber, void (*entry)());

// Must be called at the beginning of an entry function.
void fiber_entered();

// Stops the running fiber, described by `from`, and continues `to`.
void switch_fiber(Fiber& from, Fiber& to);

// Describes the stack of the calling thread, so that fibers can switch back to it.
void describe_own_stack(Fiber& fiber);

// Sets the registers in a signal's context so that `to` continues when the handler returns; the
// fiber that was interrupted is abandoned.
void resume_after_signal(void* signal_context, Fiber& to);

// The fibers of one thread; they are made when first needed and then reused.
class FiberPool {
 public:
  explicit FiberPool(void (*entry)()) : entry_(entry) {}
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  Fiber* take();
  void give_back(Fiber* fiber) { free_.push_back(fiber); }
  // Abandons the work of all fibers, which makes them free again.
  void reset();
  bool holds(const void* address) const;  // in a stack or in the guard page below one

 private:
  void (*entry_)();
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_FIBER_H
