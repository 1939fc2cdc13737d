// The library's own threads.
#ifndef HALFSTEP_PLATFORM_THREAD_H
#define HALFSTEP_PLATFORM_THREAD_H

#include <pthread.h>

namespace hs::platform {

using Thread = pthread_t;

// Starts body(argument) on a new thread, which handles none of the program's signals. Returns false
// if the system allows no more threads.
bool start_thread(Thread* thread, void* (*body)(void*), void* argument);

// Waits until the thread has ended.
void join_thread(Thread thread);

// Sets the name, of at most 15 characters, that debuggers and profilers show for the calling
// thread.
void name_this_thread(const char* name);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_THREAD_H
