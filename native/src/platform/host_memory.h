// How much memory this process may have.
#ifndef HALFSTEP_PLATFORM_HOST_MEMORY_H
#define HALFSTEP_PLATFORM_HOST_MEMORY_H

#include <cstdint>
#include <string>

namespace hs::platform {

struct HostMemory {
  uint64_t total;      // of the machine, or the least limit of its control groups
  uint64_t available;  // what is free and caches that the system would give up, in both
};

// From `root`/proc/meminfo and the memory limits of the control groups that `root`/proc/self/cgroup
// names: beyond those the system ends the process without a word. `root` is "" but in tests.
HostMemory host_memory(const std::string& root);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_HOST_MEMORY_H
