// The simulated device: compute capability 9.0, with few multiprocessors.
#ifndef HALFSTEP_SIM_LIMITS_H
#define HALFSTEP_SIM_LIMITS_H

#include <cstddef>

namespace hs::sim {

constexpr int kCapability = 90;
constexpr int kMultiprocessors = 4;
constexpr unsigned kMaxThreadsPerBlock = 1024;
constexpr std::size_t kMaxSharedBytes = 227 * 1024;
constexpr unsigned kMaxCluster = 8;
// What decides how many blocks a multiprocessor runs at once.
constexpr unsigned kThreadsOfMultiprocessor = 2048;
constexpr std::size_t kSharedOfMultiprocessor = 228 * 1024, kSharedReservedForBlock = 1024;

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_LIMITS_H
