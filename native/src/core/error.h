// The error model: a status and the calling thread's message.
#ifndef HALFSTEP_CORE_ERROR_H
#define HALFSTEP_CORE_ERROR_H

#include <exception>
#include <new>

#include "halfstep.h"

namespace hs {

// Sets the calling thread's message, in printf's manner, and returns `status`.
[[gnu::format(printf, 2, 3)]] hs_status fail(hs_status status, const char* format, ...);

// The calling thread's message.
const char* error_message();

// Runs the body of a function of the ABI: nothing is thrown across it.
template <class Body>
hs_status guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(HS_OUT_OF_MEMORY, "the host has no memory left for Halfstep's own records");
  } catch (const std::exception& error) {
    return fail(HS_DEVICE_FAILED, "internal error: %s", error.what());
  } catch (...) {
    return fail(HS_DEVICE_FAILED, "internal error of unknown kind");
  }
}

}  // namespace hs

#endif  // HALFSTEP_CORE_ERROR_H
