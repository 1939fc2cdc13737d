// Error handling: functions return a status and set the calling thread's message.
#ifndef HALFSTEP_CORE_ERROR_H
#define HALFSTEP_CORE_ERROR_H

#include <cstdint>
#include <new>

#include "halfstep.h"

namespace hs {

// Sets the calling thread's message from a printf format and its arguments, and returns `status`.
[[gnu::format(printf, 2, 3)]] hs_status fail(hs_status status, const char* format, ...);

// The calling thread's message.
const char* error_message();

// Kernels throw this if the host has no memory for their scratch arrays.
struct NoScratch : std::bad_alloc {
  explicit NoScratch(int64_t needed) : bytes(needed) {}
  int64_t bytes;
};

// Converts the exception that is being handled to a status, and sets its message.
[[gnu::cold]] hs_status fail_with_exception() noexcept;

// Runs the body of a function of the ABI and converts an exception to a status.
template <class Body>
hs_status guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {
    return fail_with_exception();
  }
}

}  // namespace hs

#endif  // HALFSTEP_CORE_ERROR_H
