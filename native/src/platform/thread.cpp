#include "platform/thread.h"

#include <signal.h>

#include <initializer_list>

namespace hs::platform {

bool start_thread(Thread* thread, void* (*body)(void*), void* argument) {
  // The new thread inherits a mask that blocks all signals except faults, which go to the thread
  // that caused them.
  sigset_t all, before;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool started = pthread_create(thread, nullptr, body, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void join_thread(Thread thread) { pthread_join(thread, nullptr); }

void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace hs::platform
