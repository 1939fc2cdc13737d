#include "cuda/runtime/workspace.h"

#include <algorithm>

#include "cuda/runtime/check.h"

namespace hs::cuda {
namespace {

constexpr std::size_t kUnit = 64 * 1024;

// Sets the counters to zero, on a separate stream, since the stream that needs them may be
// recording.
cudaError_t clear_counters(void* memory) {
  cudaStream_t stream = nullptr;
  cudaError_t error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  if (error != cudaSuccess) return error;
  error = cudaMemsetAsync(memory, 0, kCounterBytes, stream);
  if (error == cudaSuccess) error = cudaStreamSynchronize(stream);
  cudaStreamDestroy(stream);
  return error;
}

}  // namespace

hs_status Workspace::reserve(std::size_t partial_bytes, void** memory) {
  const std::size_t needed = kCounterBytes + partial_bytes;
  const std::size_t largest = blocks_.empty() ? 0 : blocks_.back().bytes;
  if (needed > largest) {
    // Each block has at least twice the size of the one before, so that there are few blocks.
    const std::size_t bytes =
        std::max((needed + kUnit - 1) / kUnit * kUnit, std::min(2 * largest, kWorkspaceBytes));
    blocks_.reserve(blocks_.size() + 1);
    Block block{nullptr, bytes};
    HS_CUDA(cudaMalloc(&block.memory, bytes), "allocating a workspace");
    if (const cudaError_t error = clear_counters(block.memory); error != cudaSuccess) {
      cudaFree(block.memory);
      return check(error, "clearing a workspace");
    }
    blocks_.push_back(block);
  }
  *memory = blocks_.back().memory;
  return HS_OK;
}

std::size_t Workspace::bytes() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.bytes;
  return sum;
}

void Workspace::free() {
  for (const Block& block : blocks_) cudaFree(block.memory);
  blocks_.clear();
}

hs_status reserve_workspace(const Stream& stream, std::size_t partial_bytes, void** memory) {
  *memory = nullptr;
  if (partial_bytes == 0) return HS_OK;
  HS_CUDA(cudaSetDevice(stream.ordinal), "selecting the device");
  return stream.workspace->reserve(partial_bytes, memory);
}

}  // namespace hs::cuda
