#include "fake_cuda/state.h"

#include <cstdlib>
#include <cstring>

namespace fake_cuda {
namespace {

thread_local int current = 0;
thread_local cudaError_t last = cudaSuccess;

}  // namespace

State& state() {
  static auto* all = new State;  // outlives every thread
  return *all;
}

bool is(const char* wrong) {
  const char* asked = std::getenv("HALFSTEP_FAKE_CUDA");
  return asked != nullptr && std::strcmp(asked, wrong) == 0;
}

int current_device() { return current; }
void set_current_device(int device) { current = device; }

cudaError_t leave(cudaError_t error) {
  if (error != cudaSuccess) last = error;
  return error;
}

cudaError_t enter(const char* function) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.calls[function]++;
  if (s.stays != cudaSuccess) return leave(s.stays);
  const auto failure = s.failures.find(function);
  if (failure == s.failures.end()) return cudaSuccess;
  const cudaError_t error = failure->second;
  s.failures.erase(failure);
  if (error >= cudaErrorIllegalAddress && error <= cudaErrorLaunchFailure &&
      error != cudaErrorLaunchOutOfResources) {
    s.stays = error;
  }
  return leave(error);
}

cudaError_t enter_device(const char* function) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const cudaError_t error = enter(function);
  if (error == cudaSuccess) s.contexts.insert(current);
  return error;
}

cudaError_t enter_unsafe(const char* function) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (const cudaError_t error = enter_device(function); error != cudaSuccess) return error;
  bool forbidden = false;
  for (StreamState* stream : s.streams) {
    if (stream->captured == nullptr || stream->mode == cudaStreamCaptureModeRelaxed) continue;
    if (stream->mode == cudaStreamCaptureModeThreadLocal &&
        stream->capturing != std::this_thread::get_id()) {
      continue;
    }
    stream->invalid = forbidden = true;
  }
  return forbidden ? leave(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

void reset(int devices) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.devices = devices;
  s.stays = last = cudaSuccess;
  s.contexts.clear();
  for (const auto& [address, block] : s.memory) std::free(address);
  s.memory.clear();
  for (StreamState* stream : s.streams) {
    delete stream->captured;
    delete stream;
  }
  s.streams.clear();
  s.failures.clear();
  s.calls.clear();
  s.before_launch = nullptr;
  current = 0;
}

std::set<int> contexts() {
  const std::lock_guard lock(state().mutex);
  return state().contexts;
}

std::size_t allocated() {
  const std::lock_guard lock(state().mutex);
  std::size_t sum = 0;
  for (const auto& [address, block] : state().memory) sum += block.first;
  return sum;
}

int streams() {
  const std::lock_guard lock(state().mutex);
  return static_cast<int>(state().streams.size());
}

int captures() {
  const std::lock_guard lock(state().mutex);
  int count = 0;
  for (const StreamState* stream : state().streams) count += stream->captured != nullptr ? 1 : 0;
  return count;
}

void spoil_captures() {
  const std::lock_guard lock(state().mutex);
  for (StreamState* stream : state().streams) stream->invalid = stream->captured != nullptr;
}

void fail_next(const std::string& function, cudaError_t error) {
  const std::lock_guard lock(state().mutex);
  state().failures[function] = error;
}

cudaError_t last_error() { return last; }

void before_next_launch(std::function<void()> call) {
  const std::lock_guard lock(state().mutex);
  state().before_launch = std::move(call);
}

int calls_of(const std::string& function) {
  const std::lock_guard lock(state().mutex);
  return state().calls[function];
}

}  // namespace fake_cuda

extern "C" cudaError_t cudaGetLastError() {
  using fake_cuda::last;
  const cudaError_t error = fake_cuda::state().stays;
  if (error != cudaSuccess) return error;
  const cudaError_t forgotten = last;
  last = cudaSuccess;
  return forgotten;
}
