#include "platform/host_memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "platform/cgroup.h"

namespace hs::platform {
namespace {

// The number after `name` in the line of a file that begins with it; 0 if there is none.
uint64_t field(const std::string& path, const char* name) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return 0;
  unsigned long long value = 0;
  char line[256];
  const size_t length = std::strlen(name);
  while (value == 0 && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, length) == 0) std::sscanf(line + length, " %llu", &value);
  }
  std::fclose(file);
  return value;
}

// The number in a file that holds one number; `otherwise` if it cannot be read or holds a word
// ("max").
uint64_t number(const std::string& path, uint64_t otherwise) {
  unsigned long long value = 0;
  return std::sscanf(first_line(path).c_str(), "%llu", &value) == 1 ? value : otherwise;
}

// The limit of a group in bytes. memory.high counts as one too: above it the system reclaims memory
// all the time, and programs almost stand still.
uint64_t limit_of(const std::string& group, int version) {
  return version == 1 ? number(group + "/memory.limit_in_bytes", UINT64_MAX)
                      : std::min(number(group + "/memory.max", UINT64_MAX),
                                 number(group + "/memory.high", UINT64_MAX));
}

// The bytes that a group and its children use and cannot give up. Cached files do not count, since
// the system can drop them.
uint64_t held_by(const std::string& group, int version) {
  const std::string stat = group + "/memory.stat";
  const uint64_t used =
      number(group + (version == 1 ? "/memory.usage_in_bytes" : "/memory.current"), 0);
  const uint64_t cached =
      version == 1 ? field(stat, "total_active_file ") + field(stat, "total_inactive_file ")
                   : field(stat, "active_file ") + field(stat, "inactive_file ");
  return used - std::min(used, cached);
}

}  // namespace

HostMemory host_memory(const std::string& root) {
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const std::string meminfo = root + "/proc/meminfo";
  HostMemory memory{field(meminfo, "MemTotal:") * 1024, field(meminfo, "MemAvailable:") * 1024};
  if (memory.total == 0) memory.total = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page;
  if (memory.available == 0) {
    memory.available = static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * page;
  }
  visit_control_groups(root, "memory", [&](const std::string& group, int version) {
    const uint64_t limit = limit_of(group, version);
    if (limit == UINT64_MAX) return;
    const uint64_t held = held_by(group, version);
    memory.total = std::min(memory.total, limit);
    memory.available = std::min(memory.available, limit - std::min(limit, held));
  });
  return memory;
}

}  // namespace hs::platform
