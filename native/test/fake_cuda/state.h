// The state of the pretended runtime, and the rules that all its functions share.
#ifndef HALFSTEP_TEST_FAKE_CUDA_STATE_H
#define HALFSTEP_TEST_FAKE_CUDA_STATE_H

#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "fake_cuda/fake.h"

namespace fake_cuda {

using Work = std::function<void()>;

// A sequence of calls that is being captured, and then what cudaGraph_t points to.
struct Graph {
  std::vector<Work> nodes;
};

struct StreamState {
  int device = 0;
  Graph* captured = nullptr;  // null: does not capture
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id capturing{};  // the thread that began
  bool invalid = false;         // a call that is forbidden while capturing has spoilt it
};

struct State {
  std::recursive_mutex mutex;
  int devices = 1;
  cudaError_t stays = cudaSuccess;  // an error of a kernel: every later call reports it too
  std::set<int> contexts;
  std::map<void*, std::pair<std::size_t, int>> memory;  // address -> bytes, device
  std::set<StreamState*> streams;
  std::map<std::pair<const void*, int>, std::size_t> most_shared;  // (kernel, device) -> bytes
  std::map<std::string, cudaError_t> failures;                     // what fail_next asked for
  std::map<std::string, int> calls;
  std::function<void()> before_launch;
};

State& state();

// Whether the environment's HALFSTEP_FAKE_CUDA says this.
bool is(const char* wrong);

// What every function of the runtime begins with, named by __func__: counts the call, and returns
// what it fails with at once.
cudaError_t enter(const char* function);

// The same for a function that works on the thread's current device, which gets a context.
cudaError_t enter_device(const char* function);

// And for one that may not be called by a thread that captures, but in relaxed mode: it fails, and
// spoils the capture.
cudaError_t enter_unsafe(const char* function);

// Leaves the error as the thread's last one, as every function of the runtime does.
cudaError_t leave(cudaError_t error);

int current_device();
void set_current_device(int device);

}  // namespace fake_cuda

#endif  // HALFSTEP_TEST_FAKE_CUDA_STATE_H
