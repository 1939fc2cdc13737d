// The control groups of this process, version 1 and version 2.
#ifndef HALFSTEP_PLATFORM_CGROUP_H
#define HALFSTEP_PLATFORM_CGROUP_H

#include <functional>
#include <string>

namespace hs::platform {

// Calls visit(folder, version) for the group that `root`/proc/self/cgroup names for `controller`,
// and for its ancestors up to the mount point, since each may have a limit. A container often sees
// its own group as the mount point, whatever the path says; so folders that do not exist are
// visited too.
void visit_control_groups(const std::string& root, const std::string& controller,
                          const std::function<void(const std::string& folder, int version)>& visit);

// The first line of a file without its newline, or "" if it cannot be read.
std::string first_line(const std::string& path);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_CGROUP_H
