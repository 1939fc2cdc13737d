// Status codes of the CUDA runtime as statuses of Halfstep.
#ifndef HALFSTEP_CUDA_RUNTIME_CHECK_H
#define HALFSTEP_CUDA_RUNTIME_CHECK_H

#include <cuda_runtime_api.h>

#include "core/error.h"

namespace hs::cuda {

// HS_DEVICE_FAILED for the errors that stay alone: after one of these every call in this process
// fails. `doing` says what failed: a kernel's name, or words such as "allocating".
hs_status check(cudaError_t error, const char* doing);

}  // namespace hs::cuda

// Leaves the function with the status unless the call succeeds.
#define HS_CUDA(call, doing)                                                                \
  if (hs_status status_of_call = ::hs::cuda::check(call, doing); status_of_call != HS_OK) { \
    return status_of_call;                                                                  \
  }

#endif  // HALFSTEP_CUDA_RUNTIME_CHECK_H
