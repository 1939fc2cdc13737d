// The part of a launch that does not depend on the kernel's type.
#ifndef HALFSTEP_CUDA_RUNTIME_LAUNCH_H
#define HALFSTEP_CUDA_RUNTIME_LAUNCH_H

#include "core/error.h"
#include "cuda/launch_shape.h"
#include "cuda/stream.h"

namespace hs::cuda {

// Launches `kernel` on the stream's stream; `arguments` are the addresses of its arguments.
hs_status launch_kernel(const Stream& stream, const LaunchShape& shape, const void* kernel,
                        void** arguments);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_RUNTIME_LAUNCH_H
