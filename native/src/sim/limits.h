// The simulated device: compute capability 9.0, or as HALFSTEP_SIM_CAPABILITY says 8.0, with few
// multiprocessors.
#ifndef HALFSTEP_SIM_LIMITS_H
#define HALFSTEP_SIM_LIMITS_H

#include <cstddef>
#include <cstdlib>

namespace hs::sim {

inline int capability() {
  const char* given = std::getenv("HALFSTEP_SIM_CAPABILITY");
  return given && given[0] == '8' ? 80 : 90;
}
constexpr unsigned kMaxThreadsPerBlock = 1024;
constexpr std::size_t kMaxSharedBytes = 227 * 1024;
constexpr unsigned kMaxCluster = 8;
// What decides how many blocks a multiprocessor runs at once.
constexpr unsigned kThreadsOfMultiprocessor = 2048;
constexpr std::size_t kSharedOfMultiprocessor = 228 * 1024, kSharedReservedForBlock = 1024;

// More of them make a device whose larger teams of blocks small shapes reach too.
inline unsigned multiprocessors() {
  const char* count = std::getenv("HALFSTEP_SIM_MULTIPROCESSORS");
  return count ? static_cast<unsigned>(std::strtoul(count, nullptr, 10)) : 4;
}

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_LIMITS_H
