// The backend of the simulated device: the CUDA kernels' table, whose kernels the executor runs
// when they are called. Core records the lists, as on the CPU.
#include "core/backend.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "sim/backlog.h"
#include "sim/limits.h"
#include "sim/memory.h"

// A workspace of exactly the size that the last call asked for, so that accesses beyond it are
// found. The counters keep their values from call to call, as on a device.
class hs::cuda::Workspace {
 public:
  Workspace() = default;
  ~Workspace() { sim::free_guarded(memory_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  hs_status reserve(std::size_t partial_bytes, void** memory) {
    const std::size_t bytes = kCounterBytes + partial_bytes;
    if (bytes > kWorkspaceBytes)
      return fail(HS_DEVICE_FAILED, "a call asks for too much workspace");
    if (bytes != bytes_) {
      void* made = sim::allocate_guarded(bytes);
      if (!made) return fail(HS_OUT_OF_MEMORY, "the host has no memory left");
      if (memory_) {
        std::memcpy(made, memory_, kCounterBytes);
      } else {
        std::memset(made, 0, kCounterBytes);
      }
      sim::free_guarded(memory_);
      memory_ = made;
      bytes_ = bytes;
    }
    *memory = memory_;
    return HS_OK;
  }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

hs_status hs::cuda::reserve_workspace(const cuda::Stream& stream, std::size_t partial_bytes,
                                      void** memory) {
  *memory = nullptr;
  if (partial_bytes == 0) return HS_OK;
  return stream.workspace->reserve(partial_bytes, memory);
}

namespace hs::sim {
namespace {

constexpr std::uint64_t kMemory = std::uint64_t{1} << 30;

hs_status count_devices(std::int32_t* count) {
  *count = 1;
  return HS_OK;
}

hs_status open_device(std::int32_t, void** device) {
  *device = nullptr;
  return HS_OK;
}

hs_status query(void*, hs_device_info* info) {
  std::snprintf(info->backend, sizeof info->backend, "sim");
  std::snprintf(info->name, sizeof info->name, "simulated CUDA device");
  std::snprintf(info->detail, sizeof info->detail, "compute capability %d.%d on the host",
                capability() / 10, capability() % 10);
  info->threads = static_cast<int>(multiprocessors());
  info->memory_total = kMemory;
  std::uint64_t used = allocated_bytes();
  info->memory_available = used < kMemory ? kMemory - used : 0;
  return HS_OK;
}

hs_status allocate(void*, std::uint64_t bytes, hs_ptr* address) {
  std::uint64_t used = allocated_bytes();
  void* memory = used <= kMemory && bytes <= kMemory - used ? allocate_guarded(bytes) : nullptr;
  if (!memory) return fail(HS_OUT_OF_MEMORY, "the simulated device has no memory left");
  *address = reinterpret_cast<hs_ptr>(memory);
  return HS_OK;
}

hs_status release(void*, hs_ptr address, std::uint64_t) {
  Backlog::finish_all();  // as cudaFree waits for the device
  free_guarded(reinterpret_cast<void*>(address));
  return HS_OK;
}

// The shared memory of a block. HALFSTEP_SIM_SHARED can make it smaller, so that small shapes reach
// its limits too.
std::size_t shared_bytes() {
  const char* bytes = std::getenv("HALFSTEP_SIM_SHARED");
  return bytes ? std::min<std::size_t>(std::strtoull(bytes, nullptr, 10), kMaxSharedBytes)
               : kMaxSharedBytes;
}

struct OwnedStream {
  cuda::Stream launch;  // the first member, since kernels get the address of it
  cuda::Workspace workspace;
  std::shared_ptr<Backlog> backlog;  // shared by the streams that wrap one another
};

Backlog& backlog_of(void* pointer) { return *static_cast<OwnedStream*>(pointer)->backlog; }

hs_status describe_stream(std::shared_ptr<Backlog> backlog, void** pointer) {
  auto made = std::make_unique<OwnedStream>();
  made->backlog = std::move(backlog);
  const bool hopper = capability() == 90;
  made->launch = {.handle = made->backlog.get(),
                  .multiprocessors = static_cast<int>(multiprocessors()),
                  .max_cluster = hopper ? kMaxCluster : 1,
                  .warpgroups = hopper,
                  .shared_bytes = shared_bytes(),
                  .workspace = &made->workspace};
  *pointer = made.release();
  return HS_OK;
}

hs_status create_stream(void*, void** pointer) {
  return describe_stream(std::make_shared<Backlog>(), pointer);
}

hs_status wrap_stream(void*, std::uint64_t native, void** pointer) {
  std::shared_ptr<Backlog> backlog = Backlog::find(native);
  if (!backlog) {
    return fail(HS_INVALID_ARGUMENT, "0x%llx is no stream of the simulated device",
                static_cast<unsigned long long>(native));
  }
  return describe_stream(std::move(backlog), pointer);
}

std::uint64_t native_handle(void* pointer) {
  return reinterpret_cast<std::uint64_t>(&backlog_of(pointer));
}

void destroy_stream(void* pointer) {
  std::unique_ptr<OwnedStream> owned(static_cast<OwnedStream*>(pointer));
  Backlog::finish_all();  // other streams too, since they may wait for this one
}

hs_status check_range(const char* call, hs_ptr device, std::uint64_t bytes) {
  const void* address = reinterpret_cast<const void*>(device);
  if (inside_allocation(address, bytes)) return HS_OK;
  return fail(HS_INVALID_ARGUMENT, "%s of %llu bytes that begin at %s leaves the device's memory",
              call, static_cast<unsigned long long>(bytes), locate(address).c_str());
}

hs_status upload(void* pointer, hs_ptr device, const void* host, std::uint64_t bytes) {
  hs_status status = check_range("upload", device, bytes);
  if (status == HS_OK) status = backlog_of(pointer).finish();
  if (status == HS_OK) std::memcpy(reinterpret_cast<void*>(device), host, bytes);
  return status;
}

hs_status upload_async(void* pointer, hs_ptr device, const void* host, std::uint64_t bytes) {
  if (hs_status status = check_range("upload", device, bytes); status != HS_OK) return status;
  return backlog_of(pointer).add([device, host, bytes]() -> hs_status {
    std::memcpy(reinterpret_cast<void*>(device), host, bytes);
    return HS_OK;
  });
}

hs_status download(void* pointer, void* host, hs_ptr device, std::uint64_t bytes) {
  hs_status status = check_range("download", device, bytes);
  if (status == HS_OK) status = backlog_of(pointer).finish();
  if (status == HS_OK) std::memcpy(host, reinterpret_cast<const void*>(device), bytes);
  return status;
}

Backend make_backend() {
  Backend sim{};
  sim.abi_version = HS_ABI_VERSION;
  sim.name = "sim";
  sim.last_error = error_message;
  sim.device_count = count_devices;
  sim.device_open = open_device;
  sim.device_close = [](void*) {};
  sim.device_query = query;
  sim.alloc = allocate;
  sim.free = release;
  sim.host_alloc = allocate;
  sim.host_free = release;
  sim.stream_create = create_stream;
  sim.stream_wrap = wrap_stream;
  sim.stream_native = native_handle;
  sim.stream_destroy = destroy_stream;
  sim.stream_synchronize = [](void* pointer) { return backlog_of(pointer).finish(); };
  sim.stream_wait = [](void* pointer, void* other) {
    return backlog_of(pointer).wait_for(static_cast<OwnedStream*>(other)->backlog);
  };
  sim.upload = upload;
  sim.download = download;
  sim.upload_async = upload_async;
  sim.launch_later = [](void* pointer, std::function<hs_status()> launch) {
    return backlog_of(pointer).add(std::move(launch));
  };
  sim.kernels = cuda::kernel_table();
  return sim;
}

}  // namespace
}  // namespace hs::sim

namespace hs {

const Backend& sim_backend() {
  static const Backend sim = sim::make_backend();
  return sim;
}

}  // namespace hs
