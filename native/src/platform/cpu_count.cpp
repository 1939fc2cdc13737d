#include "platform/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "platform/cgroup.h"

namespace hs::platform {
namespace {

// The number of processors, rounded up, that a quota of `quota` microseconds in each `period`
// allows; 0 for no limit.
int processors(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min((quota + period - 1) / period, 256LL));
}

int limit_v2(const std::string& folder) {
  long long quota = 0, period = 0;  // no limit is written "max 100000", which does not match
  if (std::sscanf(first_line(folder + "/cpu.max").c_str(), "%lld %lld", &quota, &period) != 2) {
    return 0;
  }
  return processors(quota, period);
}

int limit_v1(const std::string& folder) {
  return processors(std::atoll(first_line(folder + "/cpu.cfs_quota_us").c_str()),
                    std::atoll(first_line(folder + "/cpu.cfs_period_us").c_str()));
}

int smaller_limit(int a, int b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

}  // namespace

int cgroup_cpu_limit(const char* root) {
  int least = 0;
  visit_control_groups(root, "cpu", [&](const std::string& folder, int version) {
    least = smaller_limit(least, version == 1 ? limit_v1(folder) : limit_v2(folder));
  });
  return least;
}

int usable_cpus() {
  int count = 1;
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) count = CPU_COUNT(&mask);
  return std::clamp(smaller_limit(count, cgroup_cpu_limit("")), 1, 256);
}

}  // namespace hs::platform
