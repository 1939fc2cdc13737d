// The device memory of a Stream's workspace.
#ifndef HALFSTEP_CUDA_RUNTIME_WORKSPACE_H
#define HALFSTEP_CUDA_RUNTIME_WORKSPACE_H

#include <cstddef>
#include <vector>

#include "core/error.h"
#include "cuda/stream.h"

namespace hs::cuda {

// The workspace of the kernels of one stream, or of one recorded list. It only grows, and memory
// that was handed out keeps its address. Its device must be selected when the functions are called.
class Workspace {
 public:
  // Sets *memory to the counters, which are zero before the first kernel, followed by
  // `partial_bytes` for partial results.
  hs_status reserve(std::size_t partial_bytes, void** memory);
  std::size_t bytes() const;
  // Waits until no kernel uses it.
  void free();

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  std::vector<Block> blocks_;  // the last one is the largest; kernels get that one
};

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_RUNTIME_WORKSPACE_H
