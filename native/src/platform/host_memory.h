// How much memory this process may have.
#ifndef HALFSTEP_PLATFORM_HOST_MEMORY_H
#define HALFSTEP_PLATFORM_HOST_MEMORY_H

#include <cstdint>
#include <string>

namespace hs::platform {

struct HostMemory {
  uint64_t total;      // the machine's bytes, or the smallest limit of the control groups
  uint64_t available;  // free bytes and caches that can be dropped, within those limits
};

// Reads `root`/proc/meminfo and the memory limits of the control groups that
// `root`/proc/self/cgroup names; beyond those limits the system kills the process. `root` is ""
// except in tests.
HostMemory host_memory(const std::string& root);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_HOST_MEMORY_H
