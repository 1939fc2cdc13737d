#include "cpu/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace hs::cpu {
namespace {

// The first line of a file without its newline, or "" where it cannot be read.
std::string first_line(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return "";
  char line[256] = "";
  if (std::fgets(line, sizeof line, file) == nullptr) line[0] = '\0';
  std::fclose(file);
  line[std::strcspn(line, "\n")] = '\0';
  return line;
}

// Processors of a quota of `quota` microseconds in each `period`; 0 for no limit.
int processors(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min((quota + period - 1) / period, 256LL));
}

int limit_v2(const std::string& folder) {
  long long quota = 0, period = 0;  // "max 100000" does not match
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

// The least limit of mount + path and its parents up to the mount itself.
int least_limit(const std::string& mount, std::string path, int (*limit)(const std::string&)) {
  int least = limit(mount);
  while (path.size() > 1) {
    least = smaller_limit(least, limit(mount + path));
    path.resize(path.find_last_of('/'));
  }
  return least;
}

// Whether the comma-separated `controllers` name cpu.
bool names_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

int cgroup_cpu_limit(const char* root) {
  const std::string prefix = root;
  std::FILE* file = std::fopen((prefix + "/proc/self/cgroup").c_str(), "r");
  if (file == nullptr) return 0;
  int least = 0;
  char line[4096];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    line[std::strcspn(line, "\n")] = '\0';
    // hierarchy:controllers:path; no controllers in version 2
    char* controllers = std::strchr(line, ':');
    char* path = controllers == nullptr ? nullptr : std::strchr(controllers + 1, ':');
    if (path == nullptr) continue;
    *path++ = '\0';
    ++controllers;
    const std::string mount = prefix + "/sys/fs/cgroup";
    if (*controllers == '\0') {
      least = smaller_limit(least, least_limit(mount, path, limit_v2));
    } else if (names_cpu(controllers)) {
      least = smaller_limit(least, least_limit(mount + "/cpu", path, limit_v1));
    }
  }
  std::fclose(file);
  return least;
}

int usable_cpus() {
  int count = 1;
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) count = CPU_COUNT(&mask);
  return std::clamp(smaller_limit(count, cgroup_cpu_limit("")), 1, 256);
}

}  // namespace hs::cpu
