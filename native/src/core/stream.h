// Devices, streams and command lists behind the ABI's handles.
#ifndef HALFSTEP_CORE_STREAM_H
#define HALFSTEP_CORE_STREAM_H

#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/backend.h"
#include "core/error.h"

// One open device. Core accounts for its memory here, for every backend.
struct hs_device_t {
  const hs::Backend* backend = nullptr;
  void* device = nullptr;
  std::mutex mutex;                                  // guards the members up to `limit`
  std::unordered_map<hs_ptr, uint64_t> blocks;       // hs_alloc: address -> bytes
  std::unordered_map<hs_ptr, uint64_t> host_blocks;  // hs_host_alloc: address -> bytes
  std::unordered_set<hs_stream> streams;
  std::unordered_set<hs_list> lists;
  uint64_t used = 0, peak = 0, limit = 0;
  // `failed` is set when a call fails with HS_DEVICE_FAILED. `cause` is the message of the first
  // such call and does not change afterwards.
  std::mutex cause_mutex;
  std::string cause;
  std::atomic<bool> failed{false};
};

// A recorded list: the backend's own graph, or calls kept as function and arguments.
struct hs_list_t {
  struct Call {
    hs_status (*run)(void* stream, const std::byte* args);
    size_t args;  // offset into `bytes`
  };
  hs_device device = nullptr;
  void* graph = nullptr;
  uint64_t held = 0;  // bytes of device memory that the graph holds; part of the device's `used`
  int64_t size = 0;
  std::vector<Call> calls;
  std::vector<std::byte> bytes;
};

struct hs_stream_t {
  hs_device device = nullptr;
  void* backend_stream = nullptr;        // the backend's stream
  std::atomic<std::thread::id> owner{};  // the default id if the stream was released
  std::atomic<bool> shared{false};       // true: any thread may use it
  std::unique_ptr<hs_list_t> recording;
  std::atomic<bool> tf32{false};  // atomic: calls read it before they check the owner
};

namespace hs {

// HS_OK, or HS_DEVICE_FAILED with the first cause if the device has failed before.
hs_status check_usable(const hs_device_t& device);

// Returns the status of a backend's call, with the backend's message if it failed. After the first
// HS_DEVICE_FAILED the device cannot be used any more.
hs_status relay(hs_device_t& device, hs_status status);

// Adds `bytes` to the memory that the device holds, or fails if that would exceed its limit. The
// caller has locked the device's mutex.
hs_status count_memory(hs_device_t& device, uint64_t bytes);

// Whether the calling thread may use the stream; sets the error if not.
hs_status check_owner(hs_stream stream);

// Whether products on this stream may round F32 to TF32. The answer goes into the arguments of the
// call, so that a list keeps the setting with which it was recorded.
inline bool allows_tf32(hs_stream stream) { return stream != nullptr && stream->tf32; }

// A kernel with its arguments, as a list keeps them.
template <class Args>
struct Bound {
  hs_status (*kernel)(void*, const Args&);
  Args args;

  static hs_status run(void* stream, const std::byte* at) {
    const auto& call = *reinterpret_cast<const Bound*>(at);
    return call.kernel(stream, call.args);
  }
};

// Appends a call to a list that core records.
template <class Args>
void record(hs_list_t& list, hs_status (*kernel)(void*, const Args&), const Args& args) {
  static_assert(std::is_trivially_copyable_v<Args>);
  constexpr size_t align = alignof(std::max_align_t);
  const size_t offset = (list.bytes.size() + align - 1) / align * align;
  list.bytes.resize(offset + sizeof(Bound<Args>));
  const Bound<Args> bound{kernel, args};
  std::memcpy(list.bytes.data() + offset, &bound, sizeof bound);
  list.calls.push_back({Bound<Args>::run, offset});
}

// The arguments of the call that was recorded last, if they are of type Args; otherwise null. Null
// too if the backend records.
template <class Args>
const Args* last_recorded(const hs_list_t& list) {
  if (list.calls.empty() || list.calls.back().run != Bound<Args>::run) return nullptr;
  return &reinterpret_cast<const Bound<Args>*>(list.bytes.data() + list.calls.back().args)->args;
}

// Passes checked arguments to the kernel of the stream's backend, or records the call. With a null
// stream the CPU runs it at once.
template <class Args>
hs_status submit(hs_stream stream, hs_status (*KernelTable::*kernel)(void*, const Args&),
                 const Args& args) {
  if (stream == nullptr) return (cpu_backend().kernels.*kernel)(nullptr, args);
  if (hs_status status = check_owner(stream); status != HS_OK) return status;
  if (hs_status status = check_usable(*stream->device); status != HS_OK) return status;
  const Backend& backend = *stream->device->backend;
  hs_status status = HS_OK;
  if (stream->recording != nullptr && backend.capture_begin == nullptr) {
    record(*stream->recording, backend.kernels.*kernel, args);
  } else {
    status = relay(*stream->device, (backend.kernels.*kernel)(stream->backend_stream, args));
  }
  if (stream->recording != nullptr && status == HS_OK) stream->recording->size++;
  return status;
}

}  // namespace hs

#endif  // HALFSTEP_CORE_STREAM_H
