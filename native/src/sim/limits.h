// The limits of the simulated device. It has compute capability 9.0, or 8.0 if
// HALFSTEP_SIM_CAPABILITY says so, and few multiprocessors.
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
// The resources that limit how many blocks a multiprocessor runs at once.
constexpr unsigned kThreadsOfMultiprocessor = 2048;
constexpr std::size_t kSharedOfMultiprocessor = 228 * 1024, kSharedReservedForBlock = 1024;

// The number of multiprocessors. HALFSTEP_SIM_MULTIPROCESSORS can set more, so that small shapes
// use larger teams of blocks too.
inline unsigned multiprocessors() {
  const char* count = std::getenv("HALFSTEP_SIM_MULTIPROCESSORS");
  return count ? static_cast<unsigned>(std::strtoul(count, nullptr, 10)) : 4;
}

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_LIMITS_H
