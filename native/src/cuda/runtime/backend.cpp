// The CUDA backend. The plug-in exports one symbol, which returns the table of its functions.
#include "core/backend.h"

#include <cstdio>
#include <memory>

#include "cuda/kernels.h"
#include "cuda/runtime/check.h"
#include "cuda/runtime/workspace.h"
#include "cuda/stream.h"

namespace hs::cuda {
namespace {

constexpr int kLeastCapability = 80;

struct Device {
  int ordinal;
  int multiprocessors;
  int capability;
  int shared_bytes;  // shared memory that a block may ask for
};

struct Graph {
  Device* device;
  cudaGraphExec_t executable;
  Workspace workspace;
};

// A stream and the data that its kernels need. While the stream records, kernels get the workspace
// that the graph will own, so that graphs and streams never share one.
struct OwnedStream {
  Stream launch;  // the first member, since kernels get the address of it
  Device* device;
  bool foreign;  // another library owns the CUDA stream and destroys it
  Workspace own_workspace;
  std::unique_ptr<Graph> recording;
  cudaEvent_t reached;  // marks the point of this stream for which another stream waits
};

Device& as_device(void* device) { return *static_cast<Device*>(device); }
OwnedStream& as_owned(void* pointer) { return *static_cast<OwnedStream*>(pointer); }
cudaStream_t handle(const OwnedStream& stream) {
  return static_cast<cudaStream_t>(stream.launch.handle);
}

hs_status select(const Device& device) {
  return check(cudaSetDevice(device.ordinal), "selecting the device");
}

#define HS_SELECT(device) \
  if (hs_status selected = select(device); selected != HS_OK) return selected

hs_status count_devices(std::int32_t* count) {
  cudaError_t error = cudaGetDeviceCount(count);
  if (error == cudaSuccess) return HS_OK;
  if (error == cudaErrorNoDevice) {
    return fail(HS_NO_DEVICE, "the NVIDIA driver finds no GPU on this machine: use device cpu");
  }
  if (error == cudaErrorInsufficientDriver) {
    int version = 0;
    cudaDriverGetVersion(&version);
    return fail(HS_NO_DEVICE,
                "the NVIDIA driver knows CUDA %d.%d, and CUDA %d.%d is needed: install driver 580 "
                "or later, or use device cpu",
                version / 1000, version % 1000 / 10, CUDART_VERSION / 1000,
                CUDART_VERSION % 1000 / 10);
  }
  return check(error, "counting the GPUs");
}

hs_status open_device(std::int32_t ordinal, void** device) {
  int major = 0, minor = 0, multiprocessors = 0, shared_bytes = 0;
  auto read = [&](int* value, cudaDeviceAttr attribute) {
    return check(cudaDeviceGetAttribute(value, attribute, ordinal), "asking the device");
  };
  hs_status status = read(&major, cudaDevAttrComputeCapabilityMajor);
  if (status == HS_OK) status = read(&minor, cudaDevAttrComputeCapabilityMinor);
  if (status == HS_OK) status = read(&multiprocessors, cudaDevAttrMultiProcessorCount);
  if (status == HS_OK) status = read(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin);
  if (status != HS_OK) return status;
  int capability = 10 * major + minor;
  if (capability < kLeastCapability) {
    return fail(HS_UNSUPPORTED,
                "cuda:%d has compute capability %d.%d, and 8.0 or later is needed: use device cpu",
                ordinal, major, minor);
  }
  auto made = std::make_unique<Device>(Device{ordinal, multiprocessors, capability, shared_bytes});
  HS_SELECT(*made);
  *device = made.release();
  return HS_OK;
}

void close_device(void* device) { delete &as_device(device); }

hs_status query(void* device, hs_device_info* info) {
  const Device& d = as_device(device);
  HS_SELECT(d);
  cudaDeviceProp properties;
  HS_CUDA(cudaGetDeviceProperties(&properties, d.ordinal), "asking the device");
  int driver = 0;
  HS_CUDA(cudaDriverGetVersion(&driver), "asking the driver");
  std::size_t free_bytes = 0, total_bytes = 0;
  HS_CUDA(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for the device's memory");
  std::snprintf(info->backend, sizeof info->backend, "cuda");
  std::snprintf(info->name, sizeof info->name, "%.127s", properties.name);
  std::snprintf(info->detail, sizeof info->detail,
                "compute capability %d.%d, driver for CUDA %d.%d", d.capability / 10,
                d.capability % 10, driver / 1000, driver % 1000 / 10);
  info->ordinal = d.ordinal;
  info->threads = d.multiprocessors;
  info->memory_total = total_bytes;
  info->memory_available = free_bytes;
  return HS_OK;
}

hs_status allocate(void* device, std::uint64_t bytes, hs_ptr* address) {
  HS_SELECT(as_device(device));
  void* memory = nullptr;
  HS_CUDA(cudaMalloc(&memory, bytes), "allocating device memory");
  *address = reinterpret_cast<hs_ptr>(memory);
  return HS_OK;
}

hs_status release(void* device, hs_ptr address, std::uint64_t) {
  HS_SELECT(as_device(device));
  return check(cudaFree(reinterpret_cast<void*>(address)), "freeing device memory");
}

hs_status allocate_host(void* device, std::uint64_t bytes, hs_ptr* address) {
  HS_SELECT(as_device(device));
  void* memory = nullptr;
  HS_CUDA(cudaHostAlloc(&memory, bytes, cudaHostAllocPortable), "allocating pinned host memory");
  *address = reinterpret_cast<hs_ptr>(memory);
  return HS_OK;
}

hs_status release_host(void* device, hs_ptr address, std::uint64_t) {
  HS_SELECT(as_device(device));
  return check(cudaFreeHost(reinterpret_cast<void*>(address)), "freeing pinned host memory");
}

// Makes the OwnedStream for a CUDA stream of this device.
hs_status describe_stream(Device& d, cudaStream_t stream, bool foreign, void** pointer) {
  auto made = std::make_unique<OwnedStream>();
  made->device = &d;
  made->foreign = foreign;
  HS_CUDA(cudaEventCreateWithFlags(&made->reached, cudaEventDisableTiming),
          "creating a stream's event");
  // Only compute capability 9.0 has clusters and warpgroups: later devices run code that the driver
  // compiles from the PTX for 8.0, which uses neither.
  const bool hopper = d.capability == 90;
  made->launch = {.handle = stream,
                  .ordinal = d.ordinal,
                  .multiprocessors = d.multiprocessors,
                  .max_cluster = hopper ? 8u : 1u,
                  .warpgroups = hopper,
                  .shared_bytes = static_cast<std::size_t>(d.shared_bytes),
                  .workspace = &made->own_workspace};
  *pointer = made.release();
  return HS_OK;
}

hs_status create_stream(void* device, void** pointer) {
  Device& d = as_device(device);
  HS_SELECT(d);
  cudaStream_t stream = nullptr;
  HS_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  const hs_status status = describe_stream(d, stream, false, pointer);
  if (status != HS_OK) cudaStreamDestroy(stream);
  return status;
}

hs_status wrap_stream(void* device, std::uint64_t native, void** pointer) {
  Device& d = as_device(device);
  HS_SELECT(d);
  const auto stream = reinterpret_cast<cudaStream_t>(native);
  int ordinal = d.ordinal;
  if (stream != nullptr) HS_CUDA(cudaStreamGetDevice(stream, &ordinal), "taking in a stream");
  if (ordinal != d.ordinal) {
    return fail(HS_INVALID_ARGUMENT, "the stream is of CUDA device %d, and this is device %d",
                ordinal, d.ordinal);
  }
  return describe_stream(d, stream, true, pointer);
}

void destroy_stream(void* pointer) {
  std::unique_ptr<OwnedStream> owned(&as_owned(pointer));
  cudaSetDevice(owned->device->ordinal);
  if (!owned->foreign) cudaStreamDestroy(handle(*owned));
  cudaEventDestroy(owned->reached);
  owned->own_workspace.free();
}

hs_status synchronize(void* pointer) {
  const OwnedStream& stream = as_owned(pointer);
  HS_SELECT(*stream.device);
  return check(cudaStreamSynchronize(handle(stream)), "waiting for the stream");
}

// The event may be recorded again while other streams still wait for it: each waits for the point
// that was recorded when its wait was made.
hs_status wait_for(void* pointer, void* other) {
  const OwnedStream& stream = as_owned(pointer);
  const OwnedStream& waited = as_owned(other);
  HS_SELECT(*stream.device);
  HS_CUDA(cudaEventRecord(waited.reached, handle(waited)), "marking what a stream waits for");
  return check(cudaStreamWaitEvent(handle(stream), waited.reached, 0),
               "making a stream wait for another");
}

std::uint64_t native_handle(void* pointer) {
  return reinterpret_cast<std::uint64_t>(as_owned(pointer).launch.handle);
}

hs_status move(OwnedStream& stream, void* to, const void* from, std::uint64_t bytes,
               cudaMemcpyKind kind, const char* doing) {
  HS_SELECT(*stream.device);
  HS_CUDA(cudaMemcpyAsync(to, from, bytes, kind, handle(stream)), doing);
  return check(cudaStreamSynchronize(handle(stream)), doing);
}

hs_status upload(void* pointer, hs_ptr device, const void* host, std::uint64_t bytes) {
  return move(as_owned(pointer), reinterpret_cast<void*>(device), host, bytes,
              cudaMemcpyHostToDevice, "copying to the device");
}

hs_status upload_async(void* pointer, hs_ptr device, const void* host, std::uint64_t bytes) {
  const OwnedStream& stream = as_owned(pointer);
  HS_SELECT(*stream.device);
  return check(cudaMemcpyAsync(reinterpret_cast<void*>(device), host, bytes, cudaMemcpyHostToDevice,
                               handle(stream)),
               "beginning a copy to the device");
}

hs_status download(void* pointer, void* host, hs_ptr device, std::uint64_t bytes) {
  return move(as_owned(pointer), host, reinterpret_cast<const void*>(device), bytes,
              cudaMemcpyDeviceToHost, "copying from the device");
}

void destroy_graph(void* graph) {
  std::unique_ptr<Graph> owned(static_cast<Graph*>(graph));
  // The calling thread may never have used the device: without this, the calls below could create a
  // context on another device.
  cudaSetDevice(owned->device->ordinal);
  if (owned->executable != nullptr) cudaGraphExecDestroy(owned->executable);
  owned->workspace.free();
}

std::uint64_t graph_bytes(void* graph) { return static_cast<Graph*>(graph)->workspace.bytes(); }

// The mode is Relaxed so that this thread may allocate and free memory during the capture; only
// kernels are captured.
hs_status begin_capture(void* pointer) {
  OwnedStream& stream = as_owned(pointer);
  HS_SELECT(*stream.device);
  auto made = std::make_unique<Graph>(Graph{stream.device, nullptr, {}});
  HS_CUDA(cudaStreamBeginCapture(handle(stream), cudaStreamCaptureModeRelaxed),
          "beginning a capture");
  stream.recording = std::move(made);
  stream.launch.workspace = &stream.recording->workspace;
  return HS_OK;
}

hs_status end_capture(void* pointer, void** graph) {
  OwnedStream& stream = as_owned(pointer);
  void* made = stream.recording.release();
  stream.launch.workspace = &stream.own_workspace;
  cudaSetDevice(stream.device->ordinal);
  cudaGraph_t recorded = nullptr;
  cudaError_t error = cudaStreamEndCapture(handle(stream), &recorded);
  if (error == cudaSuccess && graph != nullptr) {
    error = cudaGraphInstantiate(&static_cast<Graph*>(made)->executable, recorded, 0);
  }
  if (recorded != nullptr) cudaGraphDestroy(recorded);
  if (error == cudaSuccess && graph != nullptr) {
    *graph = made;
    return HS_OK;
  }
  const hs_status status = check(error, "ending a capture");
  destroy_graph(made);
  return status;
}

hs_status launch_graph(void* pointer, void* graph, std::int32_t times) {
  const OwnedStream& stream = as_owned(pointer);
  HS_SELECT(*stream.device);
  for (std::int32_t i = 0; i < times; ++i) {
    HS_CUDA(cudaGraphLaunch(static_cast<Graph*>(graph)->executable, handle(stream)),
            "launching a recorded list");
  }
  return HS_OK;
}

Backend make_backend() {
  Backend cuda{};
  cuda.abi_version = HS_ABI_VERSION;
  cuda.name = "cuda";
  cuda.last_error = error_message;
  cuda.device_count = count_devices;
  cuda.device_open = open_device;
  cuda.device_close = close_device;
  cuda.device_query = query;
  cuda.alloc = allocate;
  cuda.free = release;
  cuda.host_alloc = allocate_host;
  cuda.host_free = release_host;
  cuda.stream_create = create_stream;
  cuda.stream_wrap = wrap_stream;
  cuda.stream_destroy = destroy_stream;
  cuda.stream_synchronize = synchronize;
  cuda.stream_wait = wait_for;
  cuda.stream_native = native_handle;
  cuda.upload = upload;
  cuda.download = download;
  cuda.upload_async = upload_async;
  cuda.capture_begin = begin_capture;
  cuda.capture_end = end_capture;
  cuda.graph_launch = launch_graph;
  cuda.graph_destroy = destroy_graph;
  cuda.graph_bytes = graph_bytes;
  cuda.kernels = kernel_table();
  return cuda;
}

}  // namespace
}  // namespace hs::cuda

extern "C" HS_API const hs::Backend* hs_cuda_backend() {
  static const hs::Backend cuda = hs::cuda::make_backend();
  return &cuda;
}
