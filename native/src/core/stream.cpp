// Streams and command lists.
#include "core/stream.h"

namespace hs {
namespace {

// Checks that the calling thread owns the stream and that it is not recording.
hs_status check_idle(hs_stream stream, const char* call) {
  if (hs_status status = check_owner(stream); status != HS_OK) return status;
  return stream->recording == nullptr
             ? HS_OK
             : fail(HS_INVALID_STATE, "%s while the stream records: end the capture first", call);
}

// Checks that the stream has an owner: a shared one has none, and cannot be released or adopted.
hs_status check_not_shared(hs_stream stream) {
  return stream->shared ? fail(HS_INVALID_STATE,
                               "the stream is shared: no thread owns it, to release or adopt it")
                        : HS_OK;
}

hs_status fail_without_native_streams(const Backend& backend) {
  return fail(HS_UNSUPPORTED, "%s has no streams that other libraries know: use device cuda",
              backend.name);
}

// As check_idle; the stream's device must not have failed either.
hs_status check_running(hs_stream stream, const char* call) {
  const hs_status status = check_idle(stream, call);
  return status != HS_OK ? status : check_usable(*stream->device);
}

// Creates an hs_stream; `make` creates the backend's stream for it.
template <class Make>
hs_status create(hs_device device, hs_stream* stream, Make&& make) {
  if (device == nullptr || stream == nullptr) {
    return fail(HS_INVALID_ARGUMENT, "the device or the address for the stream is null");
  }
  if (hs_status status = check_usable(*device); status != HS_OK) return status;
  auto result = std::make_unique<hs_stream_t>();
  result->device = device;
  result->owner = std::this_thread::get_id();
  if (hs_status status = make(&result->backend_stream); status != HS_OK) {
    return relay(*device, status);
  }
  const std::lock_guard lock(device->mutex);
  *stream = *device->streams.insert(result.release()).first;
  return HS_OK;
}

hs_status end_capture(hs_stream stream, hs_list* list) {
  hs_device_t& device = *stream->device;
  const Backend& backend = *device.backend;
  std::unique_ptr<hs_list_t> recorded = std::move(stream->recording);
  if (backend.capture_end != nullptr) {
    void** graph = list != nullptr ? &recorded->graph : nullptr;
    if (hs_status status = backend.capture_end(stream->backend_stream, graph); status != HS_OK) {
      return relay(device, status);
    }
  }
  if (list == nullptr) return HS_OK;
  if (recorded->graph != nullptr) recorded->held = backend.graph_bytes(recorded->graph);
  const std::lock_guard lock(device.mutex);
  if (hs_status status = count_memory(device, recorded->held); status != HS_OK) {
    backend.graph_destroy(recorded->graph);
    return status;
  }
  *list = *device.lists.insert(recorded.release()).first;
  return HS_OK;
}

hs_status run_calls(void* backend_stream, const std::vector<hs_list_t::Call>& calls,
                    const std::vector<std::byte>& bytes, int32_t times) {
  for (int32_t i = 0; i < times; i++) {
    for (const hs_list_t::Call& call : calls) {
      if (hs_status status = call.run(backend_stream, bytes.data() + call.args); status != HS_OK) {
        return status;
      }
    }
  }
  return HS_OK;
}

hs_status launch(const hs_stream_t& stream, const hs_list_t& list, int32_t times) {
  const Backend& backend = *stream.device->backend;
  if (list.graph != nullptr) {
    return relay(*stream.device, backend.graph_launch(stream.backend_stream, list.graph, times));
  }
  if (backend.launch_later != nullptr) {
    // The launch gets a copy of the calls, since the list may be destroyed before it runs.
    const auto calls = [backend_stream = stream.backend_stream, calls = list.calls,
                        bytes = list.bytes,
                        times] { return run_calls(backend_stream, calls, bytes, times); };
    return relay(*stream.device, backend.launch_later(stream.backend_stream, calls));
  }
  if (backend.launch_begin != nullptr) backend.launch_begin(stream.backend_stream);
  // A kernel may throw; launch_end must be called even then.
  const hs_status status =
      guarded([&] { return run_calls(stream.backend_stream, list.calls, list.bytes, times); });
  if (backend.launch_end != nullptr) backend.launch_end(stream.backend_stream);
  return relay(*stream.device, status);
}

}  // namespace

hs_status check_owner(hs_stream stream) {
  if (stream == nullptr) return fail(HS_INVALID_ARGUMENT, "the stream is null");
  const std::thread::id owner = stream->owner.load(std::memory_order_relaxed);
  if (owner == std::this_thread::get_id() || stream->shared.load(std::memory_order_relaxed)) {
    return HS_OK;
  }
  return fail(HS_INVALID_STATE,
              owner == std::thread::id()
                  ? "the stream was released and no thread has adopted it"
                  : "the stream belongs to another thread: that one must release it, then this "
                    "one adopt it");
}

}  // namespace hs

using namespace hs;

hs_status hs_stream_create(hs_device device, hs_stream* stream) {
  return guarded([&] {
    return create(device, stream, [&](void** made) {
      return device->backend->stream_create(device->device, made);
    });
  });
}

hs_status hs_stream_wrap(hs_device device, uint64_t native, hs_stream* stream) {
  return guarded([&]() -> hs_status {
    if (device != nullptr && device->backend->stream_wrap == nullptr) {
      return fail_without_native_streams(*device->backend);
    }
    return create(device, stream, [&](void** made) {
      return device->backend->stream_wrap(device->device, native, made);
    });
  });
}

hs_status hs_stream_destroy(hs_stream stream) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_idle(stream, "destroy"); status != HS_OK) return status;
    const Backend& backend = *stream->device->backend;
    const bool failed = stream->device->failed;
    const hs_status waited = backend.stream_synchronize(stream->backend_stream);
    const hs_status status = failed ? HS_OK : relay(*stream->device, waited);
    backend.stream_destroy(stream->backend_stream);
    {
      const std::lock_guard lock(stream->device->mutex);
      stream->device->streams.erase(stream);
    }
    delete stream;
    return status;
  });
}

hs_status hs_stream_synchronize(hs_stream stream) {
  return guarded([&]() -> hs_status {
    const hs_status status = check_running(stream, "synchronize");
    if (status != HS_OK) return status;
    return relay(*stream->device,
                 stream->device->backend->stream_synchronize(stream->backend_stream));
  });
}

hs_status hs_stream_wait(hs_stream stream, hs_stream other) {
  return guarded([&]() -> hs_status {
    for (hs_stream one : {stream, other}) {
      if (hs_status status = check_running(one, "wait"); status != HS_OK) return status;
    }
    if (stream->device != other->device) {
      return fail(HS_INVALID_ARGUMENT,
                  "the streams are of two devices, and one can wait only for another of its own: "
                  "synchronize the other one");
    }
    if (stream == other) return HS_OK;
    return relay(*stream->device, stream->device->backend->stream_wait(stream->backend_stream,
                                                                       other->backend_stream));
  });
}

hs_status hs_stream_release(hs_stream stream) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_idle(stream, "release"); status != HS_OK) return status;
    const hs_status status = check_not_shared(stream);
    if (status == HS_OK) stream->owner.store(std::thread::id(), std::memory_order_release);
    return status;
  });
}

hs_status hs_stream_adopt(hs_stream stream) {
  return guarded([&]() -> hs_status {
    if (stream == nullptr) return fail(HS_INVALID_ARGUMENT, "the stream is null");
    if (hs_status status = check_not_shared(stream); status != HS_OK) return status;
    std::thread::id released;
    if (stream->owner.compare_exchange_strong(released, std::this_thread::get_id(),
                                              std::memory_order_acquire) ||
        released == std::this_thread::get_id()) {
      return HS_OK;
    }
    return fail(HS_INVALID_STATE, "the stream still belongs to another thread: it must release it");
  });
}

hs_status hs_stream_share(hs_stream stream) {
  return guarded([&]() -> hs_status {
    const hs_status status = check_owner(stream);
    if (status == HS_OK) stream->shared.store(true, std::memory_order_release);
    return status;
  });
}

hs_status hs_stream_native(hs_stream stream, uint64_t* native) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_owner(stream); status != HS_OK) return status;
    if (native == nullptr) return fail(HS_INVALID_ARGUMENT, "the address for the stream is null");
    const Backend& backend = *stream->device->backend;
    if (backend.stream_native == nullptr) return fail_without_native_streams(backend);
    *native = backend.stream_native(stream->backend_stream);
    return HS_OK;
  });
}

hs_status hs_stream_set_tf32(hs_stream stream, int32_t allowed) {
  return guarded([&]() -> hs_status {
    const hs_status status = check_owner(stream);
    if (status == HS_OK) stream->tf32 = allowed != 0;
    return status;
  });
}

hs_status hs_upload(hs_stream stream, hs_ptr device, hs_ptr host, uint64_t bytes) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_running(stream, "upload"); status != HS_OK) return status;
    if (bytes == 0) return HS_OK;
    if (device == 0 || host == 0) return fail(HS_INVALID_ARGUMENT, "upload: an address is 0");
    return relay(*stream->device,
                 stream->device->backend->upload(stream->backend_stream, device,
                                                 reinterpret_cast<const void*>(host), bytes));
  });
}

hs_status hs_upload_async(hs_stream stream, hs_ptr device, hs_ptr host, uint64_t bytes) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_running(stream, "upload"); status != HS_OK) return status;
    if (bytes == 0) return HS_OK;
    if (device == 0 || host == 0) return fail(HS_INVALID_ARGUMENT, "upload: an address is 0");
    return relay(*stream->device,
                 stream->device->backend->upload_async(stream->backend_stream, device,
                                                       reinterpret_cast<const void*>(host), bytes));
  });
}

hs_status hs_download(hs_stream stream, hs_ptr host, hs_ptr device, uint64_t bytes) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_running(stream, "download"); status != HS_OK) return status;
    if (bytes == 0) return HS_OK;
    if (device == 0 || host == 0) return fail(HS_INVALID_ARGUMENT, "download: an address is 0");
    return relay(*stream->device,
                 stream->device->backend->download(stream->backend_stream,
                                                   reinterpret_cast<void*>(host), device, bytes));
  });
}

hs_status hs_capture_begin(hs_stream stream) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_running(stream, "capture begins"); status != HS_OK) return status;
    const Backend& backend = *stream->device->backend;
    auto recording = std::make_unique<hs_list_t>();
    recording->device = stream->device;
    if (backend.capture_begin != nullptr) {
      if (hs_status status = backend.capture_begin(stream->backend_stream); status != HS_OK) {
        return relay(*stream->device, status);
      }
    }
    stream->recording = std::move(recording);
    return HS_OK;
  });
}

hs_status hs_capture_end(hs_stream stream, hs_list* list) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_owner(stream); status != HS_OK) return status;
    if (stream->recording == nullptr) {
      return fail(HS_INVALID_STATE, "the stream does not record: begin a capture first");
    }
    return end_capture(stream, list);
  });
}

hs_status hs_list_launch(hs_stream stream, hs_list list, int32_t times) {
  return guarded([&]() -> hs_status {
    if (hs_status status = check_running(stream, "launch"); status != HS_OK) return status;
    if (list == nullptr || list->device != stream->device) {
      return fail(HS_INVALID_ARGUMENT, "the list is null or was recorded on another device");
    }
    if (times < 0) return fail(HS_INVALID_ARGUMENT, "times is %d: it must be 0 or more", times);
    return launch(*stream, *list, times);
  });
}

hs_status hs_list_destroy(hs_list list) {
  return guarded([&]() -> hs_status {
    if (list == nullptr) return fail(HS_INVALID_ARGUMENT, "the list is null");
    {
      const std::lock_guard lock(list->device->mutex);
      list->device->lists.erase(list);
      list->device->used -= list->held;
    }
    if (list->graph != nullptr) list->device->backend->graph_destroy(list->graph);
    delete list;
    return HS_OK;
  });
}

hs_status hs_list_size(hs_list list, int64_t* calls) {
  return guarded([&]() -> hs_status {
    if (list == nullptr || calls == nullptr) {
      return fail(HS_INVALID_ARGUMENT, "the list or the address for its size is null");
    }
    *calls = list->size;
    return HS_OK;
  });
}
