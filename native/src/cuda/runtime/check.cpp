#include "cuda/runtime/check.h"

namespace hs::cuda {
namespace {

hs_status status_of(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return HS_OUT_OF_MEMORY;
    // Errors after which, as the runtime's documentation says, the process must be relaunched, and
    // others from which it cannot recover.
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorContextIsDestroyed:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
    case cudaErrorUnknown:
      return HS_DEVICE_FAILED;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorDevicesUnavailable:  // another process uses the device exclusively
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorMpsConnectionFailed:
    case cudaErrorMpsServerNotReady:
    case cudaErrorMpsMaxClientsReached:
    case cudaErrorMpsMaxConnectionsReached:
      return HS_NO_DEVICE;
    case cudaErrorIllegalState:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureMerge:
    case cudaErrorStreamCaptureUnmatched:
    case cudaErrorStreamCaptureUnjoined:
    case cudaErrorStreamCaptureIsolation:
    case cudaErrorStreamCaptureImplicit:
    case cudaErrorCapturedEvent:
    case cudaErrorStreamCaptureWrongThread:
      return HS_INVALID_STATE;
    case cudaErrorInvalidValue:
    case cudaErrorInvalidDevicePointer:
    case cudaErrorInvalidHostPointer:
      return HS_INVALID_ARGUMENT;
    default:  // InvalidConfiguration, LaunchOutOfResources, CooperativeLaunchTooLarge, ...
      return HS_UNSUPPORTED;
  }
}

}  // namespace

hs_status check(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return HS_OK;
  const hs_status status = status_of(error);
  const bool stays = status == HS_DEVICE_FAILED;
  // Clears an error that is not permanent: foreign code that asks for the last error expects its
  // own.
  if (!stays) cudaGetLastError();
  return fail(status, "CUDA: %s: %s (%s)%s", doing, cudaGetErrorString(error),
              cudaGetErrorName(error),
              stays ? "; no process recovers from it: restart this one" : "");
}

}  // namespace hs::cuda
