// The CPU backend: device memory is host memory, and the kernels are those of the best instruction
// set that the processor has.
#include <cstdio>
#include <cstring>

#include "core/backend.h"
#include "core/error.h"
#include "cpu/isa.h"
#include "cpu/pool.h"
#include "platform/host_memory.h"
#include "platform/pages.h"
#include "platform/processor.h"

namespace hs::cpu {
namespace {

constexpr uint64_t kAlignment = 256;

hs_status allocate(void*, uint64_t bytes, hs_ptr* address) {
  const platform::Block block = platform::allocate(bytes, kAlignment);
  if (block.data == nullptr) return fail(HS_OUT_OF_MEMORY, "the host has no memory left");
  *address = reinterpret_cast<hs_ptr>(block.data);
  return HS_OK;
}

hs_status release(void*, hs_ptr address, uint64_t) {
  platform::release(reinterpret_cast<void*>(address));
  return HS_OK;
}

hs_status query(void*, hs_device_info* info) {
  std::snprintf(info->backend, sizeof info->backend, "cpu");
  platform::processor_name(info->name, sizeof info->name);
  std::snprintf(info->detail, sizeof info->detail, "%s", active_isa().name);
  info->threads = pool_threads();
  const platform::HostMemory memory = platform::host_memory("");
  info->memory_total = memory.total;
  info->memory_available = memory.available;
  return HS_OK;
}

hs_status move(void* to, const void* from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
  return HS_OK;
}

Backend make_backend() {
  Backend cpu{};
  cpu.abi_version = HS_ABI_VERSION;
  cpu.name = "cpu";
  cpu.last_error = error_message;
  cpu.device_count = [](int32_t* count) -> hs_status {
    *count = 1;
    return HS_OK;
  };
  // A device has no state of its own, since the process has only one pool.
  cpu.device_open = [](int32_t, void** device) -> hs_status {
    if (isa_problem() != nullptr) return fail(HS_INVALID_ARGUMENT, "%s", isa_problem());
    *device = nullptr;
    return HS_OK;
  };
  cpu.device_close = [](void*) {};
  cpu.device_query = query;
  cpu.alloc = allocate;
  cpu.free = release;
  cpu.host_alloc = allocate;
  cpu.host_free = release;
  cpu.stream_create = [](void*, void** stream) -> hs_status {
    *stream = nullptr;
    return HS_OK;
  };
  cpu.stream_destroy = [](void*) {};
  cpu.stream_synchronize = [](void*) -> hs_status { return HS_OK; };
  cpu.stream_wait = [](void*, void*) -> hs_status { return HS_OK; };  // all calls have finished
  cpu.upload = [](void*, hs_ptr device, const void* host, uint64_t bytes) {
    return move(reinterpret_cast<void*>(device), host, bytes);
  };
  cpu.upload_async = cpu.upload;
  cpu.download = [](void*, void* host, hs_ptr device, uint64_t bytes) {
    return move(host, reinterpret_cast<const void*>(device), bytes);
  };
  cpu.launch_begin = [](void*) { pool_session_begin(); };
  cpu.launch_end = [](void*) { pool_session_end(); };
  cpu.kernels = *active_isa().kernels;
  return cpu;
}

}  // namespace
}  // namespace hs::cpu

namespace hs {

const Backend& cpu_backend() {
  static const Backend cpu = cpu::make_backend();
  return cpu;
}

}  // namespace hs

using namespace hs;

hs_status hs_set_threads(int32_t threads) {
  return guarded([&]() -> hs_status {
    if (threads < 0 || threads > 256) {
      return fail(HS_INVALID_ARGUMENT, "threads is %d: it must be 1 ... 256, or 0 for the default",
                  threads);
    }
    cpu::set_pool_threads(threads);
    return HS_OK;
  });
}

hs_status hs_get_threads(int32_t* threads) {
  return guarded([&]() -> hs_status {
    if (threads == nullptr) return fail(HS_INVALID_ARGUMENT, "the address for threads is null");
    *threads = cpu::pool_threads();
    return HS_OK;
  });
}
