// A place in the source, which reports of the emulated execution name.
#ifndef HALFSTEP_SIM_PLACE_H
#define HALFSTEP_SIM_PLACE_H

#include <cstring>

namespace hs::sim {

struct Place {
  const char* file = "";
  int line = 0;

  // As a default argument: the place of the call.
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
  bool operator==(const Place& other) const {
    return line == other.line && std::strcmp(file, other.file) == 0;
  }
};

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_PLACE_H
