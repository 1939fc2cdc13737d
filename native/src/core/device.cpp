// Devices and their memory.
#include <algorithm>
#include <memory>

#include "core/stream.h"

namespace hs {
namespace {

// Returns a backend's status, with the backend's message if it failed. For calls without a device.
hs_status message_of(const Backend& backend, hs_status status) {
  return status == HS_OK ? HS_OK : fail(status, "%s", backend.last_error());
}

hs_status check_device(hs_device device) {
  return device != nullptr ? HS_OK : fail(HS_INVALID_ARGUMENT, "the device is null");
}

// The status of freeing memory of a device: HS_OK on a device that has failed, whose memory is lost
// anyway.
hs_status given_back(hs_device_t& device, hs_status status) {
  return device.failed ? HS_OK : relay(device, status);
}

hs_status check_output(const void* output, const char* name) {
  return output != nullptr ? HS_OK
                           : fail(HS_INVALID_ARGUMENT, "%s is null: give an address for it", name);
}

uint64_t available(const hs_device_t& device) {
  hs_device_info info{};
  return device.backend->device_query(device.device, &info) == HS_OK ? info.memory_available : 0;
}

hs_status out_of_memory(const hs_device_t& device, uint64_t bytes) {
  return fail(HS_OUT_OF_MEMORY,
              "%llu bytes were asked for on %s: %llu are held already, %llu are free, the limit is "
              "%llu (0: none); use a smaller batch or raise the limit",
              static_cast<unsigned long long>(bytes), device.backend->name,
              static_cast<unsigned long long>(device.used),
              static_cast<unsigned long long>(available(device)),
              static_cast<unsigned long long>(device.limit));
}

bool is_over_limit(const hs_device_t& device, uint64_t bytes) {
  if (bytes == 0 || device.limit == 0) return false;
  return bytes > device.limit || device.used > device.limit - bytes;
}

hs_status allocate(hs_device_t& device, uint64_t bytes, hs_ptr* address) {
  const std::lock_guard lock(device.mutex);
  if (is_over_limit(device, bytes)) return out_of_memory(device, bytes);
  hs_ptr result = 0;
  const hs_status status = device.backend->alloc(device.device, bytes, &result);
  if (status == HS_OUT_OF_MEMORY) return out_of_memory(device, bytes);
  if (status != HS_OK) return relay(device, status);
  device.blocks.emplace(result, bytes);
  *address = result;
  return count_memory(device, bytes);
}

hs_status release(hs_device_t& device, hs_ptr address) {
  const std::lock_guard lock(device.mutex);
  const auto block = device.blocks.find(address);
  if (block == device.blocks.end()) {
    return fail(HS_INVALID_ARGUMENT,
                "address 0x%llx was not given out by this device, or is free already",
                static_cast<unsigned long long>(address));
  }
  const uint64_t bytes = block->second;
  device.blocks.erase(block);
  device.used -= bytes;
  return given_back(device, device.backend->free(device.device, address, bytes));
}

void close(hs_device device) {
  const Backend& backend = *device->backend;
  for (hs_list list : device->lists) {
    if (list->graph != nullptr) backend.graph_destroy(list->graph);
    delete list;
  }
  for (hs_stream stream : device->streams) {
    if (stream->recording != nullptr && backend.capture_end != nullptr) {
      backend.capture_end(stream->backend_stream, nullptr);
    }
    backend.stream_synchronize(stream->backend_stream);
    backend.stream_destroy(stream->backend_stream);
    delete stream;
  }
  for (const auto& [address, bytes] : device->blocks) backend.free(device->device, address, bytes);
  for (const auto& [address, bytes] : device->host_blocks) {
    backend.host_free(device->device, address, bytes);
  }
  backend.device_close(device->device);
  delete device;
}

}  // namespace

hs_status count_memory(hs_device_t& device, uint64_t bytes) {
  if (is_over_limit(device, bytes)) return out_of_memory(device, bytes);
  device.used += bytes;
  device.peak = std::max(device.peak, device.used);
  return HS_OK;
}

hs_status check_usable(const hs_device_t& device) {
  if (!device.failed.load(std::memory_order_acquire)) return HS_OK;
  return fail(HS_DEVICE_FAILED,
              "%s failed before and takes no more calls, close it; the first cause: %s",
              device.backend->name, device.cause.c_str());
}

hs_status relay(hs_device_t& device, hs_status status) {
  if (status == HS_OK) return HS_OK;
  const std::string message = device.backend->last_error();
  if (status != HS_DEVICE_FAILED) return fail(status, "%s", message.c_str());
  const std::lock_guard lock(device.cause_mutex);
  if (device.failed) return check_usable(device);
  device.cause = message;
  device.failed.store(true, std::memory_order_release);
  return fail(status, "%s; the device takes no more calls: close it", message.c_str());
}

}  // namespace hs

using namespace hs;

hs_status hs_device_count(const char* name, int32_t* count) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_output(count, "count"); status != HS_OK) return status;
    const Backend* backend = find_backend(name);
    return backend == nullptr ? HS_NO_DEVICE : message_of(*backend, backend->device_count(count));
  });
}

hs_status hs_device_open(const char* name, int32_t ordinal, hs_device* device) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_output(device, "device"); status != HS_OK) return status;
    const Backend* backend = find_backend(name);
    if (backend == nullptr) return HS_NO_DEVICE;
    int32_t count = 0;
    if (hs_status status = backend->device_count(&count); status != HS_OK) {
      return message_of(*backend, status);
    }
    if (ordinal < 0 || ordinal >= count) {
      return fail(HS_NO_DEVICE, "%s:%d does not exist: there %s %d (counted from 0)", name, ordinal,
                  count == 1 ? "is" : "are", count);
    }
    auto result = std::make_unique<hs_device_t>();
    result->backend = backend;
    if (hs_status status = backend->device_open(ordinal, &result->device); status != HS_OK) {
      return message_of(*backend, status);
    }
    *device = result.release();
    return HS_OK;
  });
}

hs_status hs_device_close(hs_device device) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    close(device);
    return HS_OK;
  });
}

hs_status hs_device_query(hs_device device, hs_device_info* info) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    if (hs_status status = check_output(info, "info"); status != HS_OK) return status;
    if (hs_status status = check_usable(*device); status != HS_OK) return status;
    hs_device_info result{};
    if (hs_status status = device->backend->device_query(device->device, &result);
        status != HS_OK) {
      return relay(*device, status);
    }
    const std::lock_guard lock(device->mutex);
    result.memory_limit = device->limit;
    result.memory_used = device->used;
    result.memory_peak = device->peak;
    *info = result;
    return HS_OK;
  });
}

hs_status hs_device_set_memory_limit(hs_device device, uint64_t bytes) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    const std::lock_guard lock(device->mutex);
    device->limit = bytes;
    return HS_OK;
  });
}

hs_status hs_alloc(hs_device device, uint64_t bytes, hs_ptr* address) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    if (hs_status status = check_output(address, "address"); status != HS_OK) return status;
    if (bytes == 0) {
      *address = 0;
      return HS_OK;
    }
    if (hs_status status = check_usable(*device); status != HS_OK) return status;
    return allocate(*device, bytes, address);
  });
}

hs_status hs_free(hs_device device, hs_ptr address) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    return address == 0 ? HS_OK : release(*device, address);
  });
}

hs_status hs_host_alloc(hs_device device, uint64_t bytes, hs_ptr* address) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    if (hs_status status = check_output(address, "address"); status != HS_OK) return status;
    hs_ptr result = 0;
    if (bytes != 0) {
      if (hs_status status = check_usable(*device); status != HS_OK) return status;
      const std::lock_guard lock(device->mutex);
      if (hs_status status = device->backend->host_alloc(device->device, bytes, &result);
          status != HS_OK) {
        return relay(*device, status);
      }
      device->host_blocks.emplace(result, bytes);
    }
    *address = result;
    return HS_OK;
  });
}

hs_status hs_host_free(hs_device device, hs_ptr address) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_device(device); status != HS_OK) return status;
    if (address == 0) return HS_OK;
    const std::lock_guard lock(device->mutex);
    const auto block = device->host_blocks.find(address);
    if (block == device->host_blocks.end()) {
      return fail(HS_INVALID_ARGUMENT,
                  "host address 0x%llx was not given out by this device, or is free already",
                  static_cast<unsigned long long>(address));
    }
    const uint64_t bytes = block->second;
    device->host_blocks.erase(block);
    return given_back(*device, device->backend->host_free(device->device, address, bytes));
  });
}
