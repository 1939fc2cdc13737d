// A backend is a table of functions. cpu, noop and sim are linked into the library; cuda comes from
// a plug-in whose one exported symbol, hs_cuda_backend, returns this table.
#ifndef HALFSTEP_CORE_BACKEND_H
#define HALFSTEP_CORE_BACKEND_H

#include <functional>

#include "core/kernels.h"

namespace hs {

// Every function returns a status; last_error() then has the message. Devices, streams and graphs
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

  hs_status (*stream_create)(void* device, void** stream);
  // Makes a stream from one that foreign code owns; stream_destroy does not destroy the foreign
  // one. Null if the backend has no foreign streams.
  hs_status (*stream_wrap)(void* device, uint64_t native, void** stream);
  void (*stream_destroy)(void* stream);
  hs_status (*stream_synchronize)(void* stream);
  // Calls made on `stream` from now on run after all calls made on `other` so far.
  hs_status (*stream_wait)(void* stream, void* other);
  uint64_t (*stream_native)(void* stream);  // null if the platform has no streams
  hs_status (*upload)(void* stream, hs_ptr device, const void* host, uint64_t bytes);
  hs_status (*download)(void* stream, void* host, hs_ptr device, uint64_t bytes);
  // May return before `host` has been read.
  hs_status (*upload_async)(void* stream, hs_ptr device, const void* host, uint64_t bytes);

  // Recording. These are null if core records for the backend: core then keeps each call as a
  // function and its arguments, and a launch runs them between launch_begin and launch_end (null if
  // there is nothing to do).
  hs_status (*capture_begin)(void* stream);
  // Ends the recording, whatever status it returns; with a null `graph` it drops what was recorded.
  hs_status (*capture_end)(void* stream, void** graph);
  hs_status (*graph_launch)(void* stream, void* graph, int32_t times);
  void (*graph_destroy)(void* graph);
  uint64_t (*graph_bytes)(void* graph);  // bytes of device memory that the graph holds
  void (*launch_begin)(void* stream);
  void (*launch_end)(void* stream);
  // Takes the launch of a list that core recorded, to run it later; if null, core runs it at once.
  hs_status (*launch_later)(void* stream, std::function<hs_status()> launch);

  KernelTable kernels;
};

// The CPU's and the empty backend's tables.
const Backend& cpu_backend();
const Backend& noop_backend();

// The simulated device, which runs the CUDA kernels on the host for tests. Null if it is not
// linked.
[[gnu::weak]] const Backend& sim_backend();

// The backend of that name; opens the plug-in for "cuda". Null, with the error message set, if
// there is none.
const Backend* find_backend(const char* name);

}  // namespace hs

#endif  // HALFSTEP_CORE_BACKEND_H
