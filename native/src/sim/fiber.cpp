#include "sim/fiber.h"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define HS_SIM_ASAN 1
#else
#define HS_SIM_ASAN 0
#endif
#ifdef HS_SIM_RACES
#define HS_SIM_INSTRUMENTED 1
#else
#define HS_SIM_INSTRUMENTED HS_SIM_ASAN
#endif

#if !defined(__x86_64__)
#error "the emulated execution of CUDA kernels is written for x86-64"
#endif

extern "C" {
// Saves the stack pointer at *rdi and continues the stack rsi.
__attribute__((visibility("hidden"))) void hs_sim_switch(void** save, void* load);
// The second half of hs_sim_switch: continues the stack rsi.
__attribute__((visibility("hidden"))) void hs_sim_continue();
}
asm(R"(
.text
.p2align 4
.globl hs_sim_switch
.hidden hs_sim_switch
.type hs_sim_switch, @function
hs_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
.globl hs_sim_continue
.hidden hs_sim_continue
hs_sim_continue:
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size hs_sim_switch, .-hs_sim_switch
)");

namespace hs::sim {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kStackBytes = HS_SIM_INSTRUMENTED ? 256 * 1024 : 96 * 1024;
constexpr std::size_t kSavedRegisters = 6;

}  // namespace

void prepare(Fiber& fiber, void (*entry)()) {
#if HS_SIM_ASAN
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_bytes);
#endif
  fiber.fake_stack = nullptr;
  auto top = reinterpret_cast<std::uintptr_t>(fiber.stack) + fiber.stack_bytes - fiber.color;
  // At a function's entry the return address must be 8 below a multiple of 16.
  auto* slot = reinterpret_cast<std::uintptr_t*>((top & ~std::uintptr_t{15}) - 16);
  *--slot = 0;  // no caller
  *--slot = reinterpret_cast<std::uintptr_t>(entry);
  for (std::size_t i = 0; i < kSavedRegisters; ++i) *--slot = 0;
  fiber.stack_pointer = slot;
}

void fiber_entered() {
#if HS_SIM_ASAN
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

void switch_fiber(Fiber& from, Fiber& to) {
#if HS_SIM_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
  hs_sim_switch(&from.stack_pointer, to.stack_pointer);
#if HS_SIM_ASAN
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void describe_own_stack(Fiber& fiber) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  pthread_attr_getstack(&attributes, &fiber.stack, &fiber.stack_bytes);
  pthread_attr_destroy(&attributes);
}

void resume_after_signal(void* signal_context, Fiber& to) {
#if HS_SIM_ASAN
  __sanitizer_start_switch_fiber(nullptr, to.stack, to.stack_bytes);
#endif
  auto& registers = static_cast<ucontext_t*>(signal_context)->uc_mcontext.gregs;
  registers[REG_RSI] = reinterpret_cast<greg_t>(to.stack_pointer);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&hs_sim_continue);
}

FiberPool::~FiberPool() {
  for (auto& fiber : all_) {
    munmap(static_cast<char*>(fiber->stack) - kPage, fiber->stack_bytes + kPage);
  }
}

Fiber* FiberPool::take() {
  if (free_.empty()) {
    void* mapping = mmap(nullptr, kPage + kStackBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    mprotect(mapping, kPage, PROT_NONE);
    auto fiber = std::make_unique<Fiber>();
    fiber->stack = static_cast<char*>(mapping) + kPage;
    fiber->stack_bytes = kStackBytes;
    // Stacks are a power of two apart: without an offset their hot frames would share cache sets.
    fiber->color = all_.size() % 32 * 320;
    prepare(*fiber, entry_);
    free_.push_back(fiber.get());
    all_.push_back(std::move(fiber));
  }
  Fiber* fiber = free_.back();
  free_.pop_back();
  return fiber;
}

void FiberPool::reset() {
  free_.clear();
  for (auto& fiber : all_) {
    prepare(*fiber, entry_);
    free_.push_back(fiber.get());
  }
}

bool FiberPool::holds(const void* address) const {
  for (const auto& fiber : all_) {
    const char* low = static_cast<const char*>(fiber->stack) - kPage;
    if (address >= low && address < low + kPage + fiber->stack_bytes) return true;
  }
  return false;
}

}  // namespace hs::sim
