// Streams, captures and launches of the fake runtime. Work on a stream is done at once.
#include <cuda_runtime_api.h>

#include <cstring>

#include "fake_cuda/state.h"

using namespace fake_cuda;

namespace {

StreamState& of(cudaStream_t stream) { return *reinterpret_cast<StreamState*>(stream); }

// Does the work, or adds it to the capture of the stream.
cudaError_t put(cudaStream_t stream, Work work) {
  const std::lock_guard lock(state().mutex);
  if (of(stream).invalid) return leave(cudaErrorStreamCaptureInvalidated);
  if (of(stream).captured != nullptr) {
    of(stream).captured->nodes.push_back(std::move(work));
  } else {
    work();
  }
  return cudaSuccess;
}

// For calls that are not allowed on a capturing stream: they invalidate the capture.
cudaError_t refuse_capture(cudaStream_t stream) {
  const std::lock_guard lock(state().mutex);
  if (stream == nullptr || of(stream).captured == nullptr) return cudaSuccess;
  of(stream).invalid = true;
  return leave(cudaErrorStreamCaptureUnsupported);
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  auto* made = new StreamState{.device = current_device()};
  state().streams.insert(made);
  *stream = reinterpret_cast<cudaStream_t>(made);
  return cudaSuccess;
}

// Like the driver, it also destroys a capturing stream; the capture is lost.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  if (of(stream).captured != nullptr) return cudaSuccess;  // the capture leaks and is still counted
  state().streams.erase(&of(stream));
  delete &of(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  if (const cudaError_t error = enter(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  if (!state().streams.contains(&of(stream))) return leave(cudaErrorInvalidResourceHandle);
  *device = of(stream).device;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const cudaError_t error = enter_device(__func__);
  return error == cudaSuccess ? refuse_capture(stream) : error;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = nullptr;
  return enter_device(__func__);
}

cudaError_t cudaEventDestroy(cudaEvent_t) { return enter_device(__func__); }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return enter_device(__func__); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) {
  return enter_device(__func__);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  if (is("sticky")) fail_next(__func__, cudaErrorIllegalAddress);
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  return put(stream, [=] { std::memcpy(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void* at, int value, std::size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  return put(stream, [=] { std::memset(at, value, bytes); });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  if (of(stream).captured != nullptr) return leave(cudaErrorIllegalState);
  of(stream).captured = new Graph;
  of(stream).mode = mode;
  of(stream).capturing = std::this_thread::get_id();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  StreamState& s = of(stream);
  *graph = nullptr;
  if (s.captured == nullptr) return leave(cudaErrorIllegalState);
  if (s.mode != cudaStreamCaptureModeRelaxed && s.capturing != std::this_thread::get_id()) {
    return leave(cudaErrorStreamCaptureWrongThread);
  }
  Graph* captured = std::exchange(s.captured, nullptr);
  if (std::exchange(s.invalid, false)) {
    delete captured;
    return leave(cudaErrorStreamCaptureInvalidated);
  }
  *graph = reinterpret_cast<cudaGraph_t>(captured);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  *executable = reinterpret_cast<cudaGraphExec_t>(new Graph(*reinterpret_cast<Graph*>(graph)));
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<Graph*>(graph);
  return enter(__func__);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  for (const Work& node : reinterpret_cast<Graph*>(executable)->nodes) {
    if (const cudaError_t error = put(stream, node); error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete reinterpret_cast<Graph*>(executable);
  return enter_device(__func__);
}

// The limit is a property of the function: if one thread sets it, it holds for the launches of all
// threads.
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  const std::lock_guard lock(state().mutex);
  const auto bytes = static_cast<std::size_t>(value);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || bytes > kMostShared) {
    return leave(cudaErrorInvalidValue);
  }
  state().most_shared[{kernel, current_device()}] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  return enter_device(__func__);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel,
                                void** arguments) {
  if (const cudaError_t error = enter_device(__func__); error != cudaSuccess) return error;
  std::function<void()> before;
  {
    const std::lock_guard lock(state().mutex);
    before = std::exchange(state().before_launch, nullptr);
  }
  if (before) before();
  {
    const std::lock_guard lock(state().mutex);
    const auto asked = state().most_shared.find({kernel, current_device()});
    const std::size_t most =
        asked == state().most_shared.end() ? kSharedWithoutAsking : asked->second;
    if (config->dynamicSmemBytes > most) return leave(cudaErrorInvalidValue);
  }
  const auto run =
      reinterpret_cast<void (*)(const Arguments&)>(reinterpret_cast<std::uintptr_t>(kernel));
  return put(config->stream, [run, given = *static_cast<Arguments*>(arguments[0])] { run(given); });
}
}
