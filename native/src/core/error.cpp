#include "core/error.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>

namespace hs {
namespace {
thread_local char message[1024] = "";
}

hs_status fail(hs_status status, const char* format, ...) {
  char text[sizeof message];  // a copy, since an argument may point to the present message
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  std::memcpy(message, text, sizeof message);
  return status;
}

hs_status fail_with_exception() noexcept {
  try {
    throw;
  } catch (const NoScratch& scratch) {
    return fail(HS_OUT_OF_MEMORY,
                "the host has no memory for the %lld bytes that the call needs besides its "
                "operands: give it smaller ones, such as a smaller batch",
                static_cast<long long>(scratch.bytes));
  } catch (const std::bad_alloc&) {
    return fail(HS_OUT_OF_MEMORY, "the host has no memory left for Halfstep's own records");
  } catch (const std::exception& error) {
    return fail(HS_DEVICE_FAILED, "internal error: %s", error.what());
  } catch (...) {
    return fail(HS_DEVICE_FAILED, "internal error of unknown kind");
  }
}

const char* error_message() { return message; }

}  // namespace hs

extern "C" const char* hs_last_error(void) { return hs::error_message(); }
