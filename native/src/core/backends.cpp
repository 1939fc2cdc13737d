// Finds backends by name, opens the CUDA plug-in, and defines the backend "noop".
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "core/backend.h"
#include "core/error.h"

namespace hs {
namespace {

std::mutex cuda_mutex;  // guards the two below
std::string cuda_path;
const Backend* cuda = nullptr;

// Opens the plug-in. The driver is loaded first: if it is missing, the CUDA runtime's own message
// would be misleading.
const Backend* open_cuda() {
  const std::lock_guard lock(cuda_mutex);
  if (cuda != nullptr) return cuda;
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) == nullptr) {
    fail(HS_NO_DEVICE,
         "no NVIDIA driver on this machine (libcuda.so.1 does not load): install driver 580 or "
         "later, or use device cpu");
    return nullptr;
  }
  if (cuda_path.empty()) {
    fail(HS_NO_DEVICE,
         "the CUDA plug-in is not there: add the artifact halfstep-cuda with classifier "
         "linux-x86_64, or use device cpu");
    return nullptr;
  }
  void* plugin = dlopen(cuda_path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    fail(HS_NO_DEVICE, "the CUDA plug-in does not load: %s", dlerror());
    return nullptr;
  }
  using Entry = const Backend* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(plugin, "hs_cuda_backend"));
  const Backend* backend = entry != nullptr ? entry() : nullptr;
  if (backend == nullptr || backend->abi_version != HS_ABI_VERSION) {
    fail(HS_UNSUPPORTED,
         "the CUDA plug-in speaks version %d of the ABI and the library %d: use halfstep-cuda of "
         "the same version as halfstep",
         backend != nullptr ? backend->abi_version : 0, HS_ABI_VERSION);
    return nullptr;
  }
  return cuda = backend;
}

Backend make_noop() {
  Backend noop = cpu_backend();
  noop.name = "noop";
  noop.device_query = [](void*, hs_device_info* info) -> hs_status {
    std::strcpy(info->backend, "noop");
    std::strcpy(info->name, "computes nothing");
    info->threads = 1;
    return HS_OK;
  };
  noop.launch_begin = nullptr;
  noop.launch_end = nullptr;
#define HS_EMPTY(name, Args) \
  noop.kernels.name = [](void*, const Args&) -> hs_status { return HS_OK; };
  HS_KERNELS(HS_EMPTY)
#undef HS_EMPTY
  return noop;
}

}  // namespace

const Backend& noop_backend() {
  static const Backend noop = make_noop();
  return noop;
}

const Backend* find_backend(const char* name) {
  if (name != nullptr && std::strcmp(name, "cpu") == 0) return &cpu_backend();
  if (name != nullptr && std::strcmp(name, "noop") == 0) return &noop_backend();
  if (name != nullptr && std::strcmp(name, "cuda") == 0) return open_cuda();
  if (name != nullptr && std::strcmp(name, "sim") == 0 && sim_backend != nullptr) {
    return &sim_backend();
  }
  fail(HS_NO_DEVICE, "there is no backend \"%s\": cpu, cuda and noop are possible",
       name != nullptr ? name : "");
  return nullptr;
}

}  // namespace hs

using namespace hs;

hs_status hs_set_cuda_plugin(const char* path) {
  return guarded([&]() -> hs_status {
    if (path == nullptr) return fail(HS_INVALID_ARGUMENT, "the path of the CUDA plug-in is null");
    const std::lock_guard lock(cuda_mutex);
    cuda_path = path;
    return HS_OK;
  });
}

hs_status hs_check_abi(int32_t caller_version) {
  return caller_version == HS_ABI_VERSION
             ? HS_OK
             : fail(HS_UNSUPPORTED,
                    "the caller speaks version %d of the ABI, this library version %d: use "
                    "artifacts of one version of Halfstep",
                    caller_version, HS_ABI_VERSION);
}

const char* hs_version(void) { return HALFSTEP_VERSION " (gcc " __VERSION__ ")"; }
