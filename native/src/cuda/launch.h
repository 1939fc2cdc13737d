// Launches a kernel; all kernels are launched through this.
#ifndef HALFSTEP_CUDA_LAUNCH_H
#define HALFSTEP_CUDA_LAUNCH_H

#include <type_traits>

#include "core/error.h"
#include "cuda/launch_shape.h"
#include "cuda/platform.h"
#include "cuda/stream.h"

#ifdef HS_SIM
#include "sim/backlog.h"
#include "sim/launch.h"
#else
#include "cuda/runtime/launch.h"
#endif

namespace hs::cuda {

#ifdef HS_SIM

template <class... Parameters>
hs_status launch(const Stream& stream, const LaunchShape& shape, void (*kernel)(Parameters...),
                 std::type_identity_t<Parameters>... arguments) {
  hs_status before = sim::finish(stream.handle);
  if (before != HS_OK) return before;
  std::string wrong = sim::run_kernel(shape, kernel, arguments...);
  return wrong.empty() ? HS_OK : fail(HS_DEVICE_FAILED, "%s", wrong.c_str());
}

#else

template <class... Parameters>
hs_status launch(const Stream& stream, const LaunchShape& shape, void (*kernel)(Parameters...),
                 std::type_identity_t<Parameters>... arguments) {
  void* addresses[] = {const_cast<void*>(static_cast<const void*>(&arguments))...};
  return launch_kernel(stream, shape, reinterpret_cast<const void*>(kernel), addresses);
}

#endif

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_LAUNCH_H
