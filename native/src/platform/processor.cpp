#include "platform/processor.h"

#include <sys/utsname.h>

#include <cstdio>
#include <cstring>

namespace hs::platform {

// Only the instruction sets named here need a check; any processor of this architecture runs the
// others.
bool runs(const char* isa) {
#if defined(__x86_64__)
  if (std::strcmp(isa, "avx512") == 0) return __builtin_cpu_supports("x86-64-v4") != 0;
  if (std::strcmp(isa, "avx2") == 0) return __builtin_cpu_supports("x86-64-v3") != 0;
#endif
  return isa != nullptr;
}

// Takes the name from /proc/cpuinfo; on ARM that file has none.
void processor_name(char* name, size_t size) {
  utsname system;
  std::snprintf(name, size, "%s processor", uname(&system) == 0 ? system.machine : "unknown");
  std::FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) return;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const char* colon = std::strchr(line, ':');
    if (std::strncmp(line, "model name", 10) != 0 || colon == nullptr) continue;
    std::snprintf(name, size, "%.*s", static_cast<int>(std::strcspn(colon + 2, "\n")), colon + 2);
    break;
  }
  std::fclose(file);
}

}  // namespace hs::platform
