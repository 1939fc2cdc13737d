#include "core/error.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace hs {
namespace {
thread_local char message[1024] = "";
}

hs_status fail(hs_status status, const char* format, ...) {
  char text[sizeof message];  // an argument may be the present message
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  std::memcpy(message, text, sizeof message);
  return status;
}

const char* error_message() { return message; }

}  // namespace hs

extern "C" const char* hs_last_error(void) { return hs::error_message(); }
