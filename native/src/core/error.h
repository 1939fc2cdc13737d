// The error model: a status and the calling thread's message.
#ifndef HALFSTEP_CORE_ERROR_H
#define HALFSTEP_CORE_ERROR_H

#include <cstdint>
#include <new>

#include "halfstep.h"

namespace hs {

// Sets the calling thread's message, in printf's manner, and returns `status`.
[[gnu::format(printf, 2, 3)]] hs_status fail(hs_status status, const char* format, ...);

// The calling thread's message.
const char* error_message();

// What a kernel throws when the host has no memory for what it needs besides its operands.
struct NoScratch : std::bad_alloc {
  explicit NoScratch(int64_t needed) : bytes(needed) {}
  int64_t bytes;
};

// The status, with its message, of the exception that is being handled.
[[gnu::cold]] hs_status fail_with_exception() noexcept;

// Runs the body of a function of the ABI: nothing is thrown across it.
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
