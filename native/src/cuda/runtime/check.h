// Converts error codes of the CUDA runtime to an hs_status.
#ifndef HALFSTEP_CUDA_RUNTIME_CHECK_H
#define HALFSTEP_CUDA_RUNTIME_CHECK_H

#include <cuda_runtime_api.h>

#include "core/error.h"

namespace hs::cuda {

// Returns the status for `error`, and sets the message. Only permanent errors, after which every
// call in this process fails, give HS_DEVICE_FAILED. `doing` names what failed: a kernel, or words
// such as "allocating".
hs_status check(cudaError_t error, const char* doing);

}  // namespace hs::cuda

// Returns the status from the calling function unless the call succeeds.
#define HS_CUDA(call, doing)                                                                \
  if (hs_status status_of_call = ::hs::cuda::check(call, doing); status_of_call != HS_OK) { \
    return status_of_call;                                                                  \
  }

#endif  // HALFSTEP_CUDA_RUNTIME_CHECK_H
