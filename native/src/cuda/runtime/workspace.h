// The device memory behind a Stream's workspace.
#ifndef HALFSTEP_CUDA_RUNTIME_WORKSPACE_H
#define HALFSTEP_CUDA_RUNTIME_WORKSPACE_H

#include <cstddef>
#include <vector>

#include "core/error.h"
#include "cuda/stream.h"

namespace hs::cuda {

// What the kernels of one stream, or of one recorded list, have asked for so far. It only grows: who
// was given memory keeps its address. The functions want its device selected.
class Workspace {
 public:
  // The counters, zero before the first kernel, and behind them `partial_bytes` for its results.
  hs_status reserve(std::size_t partial_bytes, void** memory);
  std::size_t bytes() const;
  // Waits until no kernel uses it.
  void free();

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  std::vector<Block> blocks_;  // the largest one last: kernels are given that
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_RUNTIME_WORKSPACE_H
