// Threads of the library's own.
#ifndef HALFSTEP_PLATFORM_THREAD_H
#define HALFSTEP_PLATFORM_THREAD_H

#include <pthread.h>

namespace hs::platform {

using Thread = pthread_t;

// Starts body(argument) on a thread that takes none of the program's signals. False where the system
// gives no more threads.
bool start_thread(Thread* thread, void* (*body)(void*), void* argument);

// Waits until it has ended.
void join_thread(Thread thread);

// The name by which debuggers and profilers show the calling thread, of at most 15 characters.
void name_this_thread(const char* name);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_THREAD_H
