// Launches a kernel whose type does not matter.
#ifndef HALFSTEP_CUDA_RUNTIME_LAUNCH_H
#define HALFSTEP_CUDA_RUNTIME_LAUNCH_H

#include "core/error.h"
#include "cuda/launch_shape.h"
#include "cuda/stream.h"

namespace hs::cuda {

// Launches `kernel` on the stream; `arguments` are the addresses of its arguments.
hs_status launch_kernel(const Stream& stream, const LaunchShape& shape, const void* kernel,
                        void** arguments);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_RUNTIME_LAUNCH_H
