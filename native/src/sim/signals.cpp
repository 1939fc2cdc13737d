// Turns memory faults inside kernels into reports.
#include <signal.h>
#include <ucontext.h>

#include <memory>
#include <mutex>

#include "sim/executor.h"

namespace hs::sim {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE};
struct sigaction previous[3];

void handle(int signal, siginfo_t* info, void* context) {
  if (current_thread && Executor::of_this_thread().take_signal(signal, *info, context)) return;
  for (int i = 0; i < 3; ++i) {
    if (kSignals[i] != signal) continue;
    if (previous[i].sa_flags & SA_SIGINFO) {
      previous[i].sa_sigaction(signal, info, context);
    } else if (previous[i].sa_handler != SIG_IGN && previous[i].sa_handler != SIG_DFL) {
      previous[i].sa_handler(signal);
    } else {
      // When the handler returns, the instruction runs again, and the previous action applies.
      sigaction(signal, &previous[i], nullptr);
    }
  }
}

// A stack for the handler, so that a fiber's overflow can be reported; one for each thread that
// launches kernels.
class SignalStack {
 public:
  SignalStack() {
    stack_t present;
    if (sigaltstack(nullptr, &present) == 0 && !(present.ss_flags & SS_DISABLE)) return;
    memory_ = std::make_unique<char[]>(kBytes);
    stack_t own{};
    own.ss_sp = memory_.get();
    own.ss_size = kBytes;
    sigaltstack(&own, nullptr);
  }
  ~SignalStack() {
    if (!memory_) return;
    stack_t off{};
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, nullptr);
  }

 private:
  static constexpr std::size_t kBytes = 64 * 1024;
  std::unique_ptr<char[]> memory_;
};

}  // namespace

const void* interrupted_code(const void* context) {
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  return reinterpret_cast<const void*>(registers[REG_RIP]);
}

void install_signal_handler() {
  static thread_local SignalStack stack;
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &action, &previous[i]);
  });
}

}  // namespace hs::sim
