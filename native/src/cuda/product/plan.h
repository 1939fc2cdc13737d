// How a product is computed, as a plain value: choose.h makes it, the launchers carry it out.
#ifndef HALFSTEP_CUDA_PRODUCT_PLAN_H
#define HALFSTEP_CUDA_PRODUCT_PLAN_H

#include <cstdint>
#include <string>

#include "cuda/product/tile.h"

namespace hs::cuda {

// What a tile of an operand is cut from: a matrix in memory whose rows run along k, or along the
// other side (mn-major); what the pixels of an image see of another one (windows); the filters of a
// convolution.
enum class Feed { kKMajor, kMnMajor, kWindows, kFilters };

// How a product is cut, as the kernels read it. Each tile belongs to `splits` blocks, which take
// `split_k` of k each (a multiple of the tile's depth). A and B are copied `width_a` and `width_b`
// neighbours at a time, 16 bytes or less, as their addresses and strides are aligned (0: the engine
// reads elements); C and aux are written four neighbours at a time, if `whole_c`, or one by one.
struct ProductCut {
  unsigned tiles_m, tiles_n, splits;
  std::int64_t split_k;
  int width_a, width_b;
  bool whole_c;
};

struct ProductPlan {
  TileSpec tile;  // and the engine
  Feed feed_a, feed_b;
  ProductCut cut;
  std::int64_t blocks;          // of the grid, along x
  unsigned columns_of_blocks;   // along y: 1, but of the direct engine
  std::size_t shared_bytes;     // of a block
  std::size_t workspace_bytes;  // for sums that blocks share
};

// For instance "wgmma 128x256x64, 4 stages, split 1, 512 blocks, A k-major by 8, B mn-major by 8".
std::string to_text(const ProductPlan& plan);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_PLAN_H
