#include "platform/cgroup.h"

#include <cstdio>
#include <cstring>

namespace hs::platform {
namespace {

using Visit = std::function<void(const std::string&, int)>;

void visit_with_ancestors(const std::string& mount, std::string path, int version,
                          const Visit& visit) {
  while (path.size() > 1) {
    visit(mount + path, version);
    path.resize(path.find_last_of('/'));
  }
  visit(mount, version);
}

// Whether `name` is one of the comma-separated `controllers`.
bool names(const std::string& controllers, const std::string& name) {
  return ("," + controllers + ",").find("," + name + ",") != std::string::npos;
}

}  // namespace

std::string first_line(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return "";
  char line[256] = "";
  if (std::fgets(line, sizeof line, file) == nullptr) line[0] = '\0';
  std::fclose(file);
  line[std::strcspn(line, "\n")] = '\0';
  return line;
}

void visit_control_groups(const std::string& root, const std::string& controller,
                          const Visit& visit) {
  std::FILE* file = std::fopen((root + "/proc/self/cgroup").c_str(), "r");
  if (file == nullptr) return;
  const std::string mount = root + "/sys/fs/cgroup";
  char line[4096];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    line[std::strcspn(line, "\n")] = '\0';
    // A line is hierarchy:controllers:path; version 2 names no controllers.
    char* controllers = std::strchr(line, ':');
    char* path = controllers == nullptr ? nullptr : std::strchr(controllers + 1, ':');
    if (path == nullptr) continue;
    *path++ = '\0';
    ++controllers;
    if (*controllers == '\0') {
      visit_with_ancestors(mount, path, 2, visit);
    } else if (names(controllers, controller)) {
      visit_with_ancestors(mount + "/" + controller, path, 1, visit);
    }
  }
  std::fclose(file);
}

}  // namespace hs::platform
