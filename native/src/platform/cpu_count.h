// How many processors this process may use.
#ifndef HALFSTEP_PLATFORM_CPU_COUNT_H
#define HALFSTEP_PLATFORM_CPU_COUNT_H

namespace hs::platform {

// The smaller of the processors that the scheduler's affinity mask allows and the control group's
// quota (rounded up), in 1..256.
int usable_cpus();

// The quota of the control group that `root`/proc/self/cgroup names, the least of it and its
// ancestors, in processors rounded up; 0 where there is none. Both versions of control groups.
// `root` is "" but in tests.
int cgroup_cpu_limit(const char* root);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_CPU_COUNT_H
