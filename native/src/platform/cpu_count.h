// How many processors this process may use.
#ifndef HALFSTEP_PLATFORM_CPU_COUNT_H
#define HALFSTEP_PLATFORM_CPU_COUNT_H

namespace hs::platform {

// The number of processors that the scheduler's affinity mask allows, or the control group's quota
// (rounded up) if that is smaller; in 1..256.
int usable_cpus();

// The smallest quota of the control group that `root`/proc/self/cgroup names and of its ancestors,
// in processors, rounded up; 0 if none has one. Handles both versions of control groups. `root` is
// "" except in tests.
int cgroup_cpu_limit(const char* root);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_CPU_COUNT_H
