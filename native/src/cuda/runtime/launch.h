// The part of a launch that does not depend on the kernel's type.
#pragma once

#include "core/error.h"
#include "cuda/launch_shape.h"
#include "cuda/queue.h"

namespace hs::cuda {

// Launches `kernel` on the queue's stream; `arguments` are the addresses of its arguments.
hs_status launch_kernel(const Queue& queue, const LaunchShape& shape, const void* kernel,
                        void** arguments);

}  // namespace hs::cuda
