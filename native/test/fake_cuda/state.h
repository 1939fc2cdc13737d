// The state of the fake runtime, and the rules that all its functions share.
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

// A sequence of calls: one that is being captured, or the graph to which a cudaGraph_t points.
struct Graph {
  std::vector<Work> nodes;
};

struct StreamState {
  int device = 0;
  Graph* captured = nullptr;  // null: the stream is not capturing
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id capturing{};  // the thread that began the capture
  bool invalid = false;         // a call that is forbidden while capturing has invalidated it
};

struct State {
  std::recursive_mutex mutex;
  int devices = 1;
  cudaError_t stays = cudaSuccess;  // a permanent error: every later call returns it too
  std::set<int> contexts;
  std::map<void*, std::pair<std::size_t, int>> memory;  // address -> bytes, device
  std::set<StreamState*> streams;
  std::map<std::pair<const void*, int>, std::size_t> most_shared;  // (kernel, device) -> bytes
  std::map<std::string, cudaError_t> failures;                     // set by fail_next
  std::map<std::string, int> calls;
  std::function<void()> before_launch;
};

State& state();

// Whether the environment variable HALFSTEP_FAKE_CUDA is `wrong`.
bool is(const char* wrong);

// Every function of the runtime calls this first, with its __func__: counts the call, and returns
// the error with which it must fail, if any.
cudaError_t enter(const char* function);

// As enter(), for a function that works on the thread's current device; the device gets a context.
cudaError_t enter_device(const char* function);

// As enter_device(), for a function that a capturing thread may only call in relaxed mode:
// otherwise it fails and invalidates the capture.
cudaError_t enter_unsafe(const char* function);

// Sets the thread's last error, as every function of the runtime does, and returns it.
cudaError_t leave(cudaError_t error);

int current_device();
void set_current_device(int device);

}  // namespace fake_cuda

#endif  // HALFSTEP_TEST_FAKE_CUDA_STATE_H
