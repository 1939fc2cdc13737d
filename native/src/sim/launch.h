// Runs a kernel on the simulated device.
#ifndef HALFSTEP_SIM_LAUNCH_H
#define HALFSTEP_SIM_LAUNCH_H

#include <string>
#include <tuple>

#include "sim/executor.h"

namespace hs::sim {

// Runs the kernel to its end. Returns a description of its fault, or "".
template <class... Parameters>
std::string run_kernel(const LaunchShape& shape, void (*kernel)(Parameters...),
                       std::type_identity_t<Parameters>... arguments) {
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<std::remove_cv_t<Parameters>...> arguments;
  } call{kernel, {arguments...}};
  auto entry = [](const void* at) {
    const Call& c = *static_cast<const Call*>(at);
    std::apply(c.kernel, c.arguments);
  };
  return Executor::of_this_thread().run(shape, entry, &call);
}

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_LAUNCH_H
