// A backend is a table of functions. cpu, noop and sim are part of the library; cuda comes from a
// plug-in whose one exported symbol, hs_cuda_backend, returns this table.
#ifndef HALFSTEP_CORE_BACKEND_H
#define HALFSTEP_CORE_BACKEND_H

#include <functional>

#include "core/kernels.h"

namespace hs {

// Every function returns a status; last_error() then has the message. Devices, queues and graphs
// are the backend's own pointers.
struct Backend {
  int32_t abi_version;  // HS_ABI_VERSION it was built with
  const char* name;
  const char* (*last_error)();

  hs_status (*device_count)(int32_t* count);
  hs_status (*device_open)(int32_t ordinal, void** device);
  void (*device_close)(void* device);
  // Fills in what the backend knows; core fills in the memory that it accounts for.
  hs_status (*device_query)(void* device, hs_device_info* info);

  hs_status (*alloc)(void* device, uint64_t bytes, hs_ptr* address);
  hs_status (*free)(void* device, hs_ptr address, uint64_t bytes);
  hs_status (*host_alloc)(void* device, uint64_t bytes, hs_ptr* address);
  hs_status (*host_free)(void* device, hs_ptr address, uint64_t bytes);

  hs_status (*queue_create)(void* device, void** queue);
  void (*queue_destroy)(void* queue);
  hs_status (*queue_synchronize)(void* queue);
  // What is put on `queue` from now on runs after what was put on `other` so far.
  hs_status (*queue_wait)(void* queue, void* other);
  uint64_t (*queue_native)(void* queue);  // null: there is no such thing
  hs_status (*upload)(void* queue, hs_ptr device, const void* host, uint64_t bytes);
  hs_status (*download)(void* queue, void* host, hs_ptr device, uint64_t bytes);
  // May return before `host` has been read.
  hs_status (*upload_async)(void* queue, hs_ptr device, const void* host, uint64_t bytes);

  // Recording. Null where core records: calls then are kept as function and arguments, and a
  // launch runs them between launch_begin and launch_end (both null: nothing to do there).
  hs_status (*capture_begin)(void* queue);
  // Ends the recording, whatever the status; `graph` null: drops it.
  hs_status (*capture_end)(void* queue, void** graph);
  hs_status (*graph_launch)(void* queue, void* graph, int32_t times);
  void (*graph_destroy)(void* graph);
  uint64_t (*graph_bytes)(void* graph);  // of device memory that the graph holds
  void (*launch_begin)(void* queue);
  void (*launch_end)(void* queue);
  // Takes over a launch of a list that core recorded, to run it later; null: it runs at once.
  hs_status (*launch_later)(void* queue, std::function<hs_status()> launch);

  KernelTable kernels;
};

// The CPU's and the empty backend's tables.
const Backend& cpu_backend();
const Backend& noop_backend();

// The simulated device, which runs the CUDA kernels on the host for tests. Null where it is not
// linked.
[[gnu::weak]] const Backend& sim_backend();

// The backend of that name, opening the plug-in for "cuda"; null, with the error set, where there
// is none.
const Backend* find_backend(const char* name);

}  // namespace hs

#endif  // HALFSTEP_CORE_BACKEND_H
