// The plan of a product, a plain value that says how it is computed: choose.h makes it, the
// launchers carry it out.
#ifndef HALFSTEP_CUDA_PRODUCT_PLAN_H
#define HALFSTEP_CUDA_PRODUCT_PLAN_H

#include <cstdint>
#include <string>

#include "cuda/product/tile.h"

namespace hs::cuda {

// The source of an operand's tiles: a matrix in memory whose rows run along k (k-major) or along
// the other dimension (mn-major); the windows of an image; or the filters of a convolution.
enum class Feed { kKMajor, kMnMajor, kWindows, kFilters };

// How a product is cut; the kernels read this. `splits` blocks share a tile, and each takes
// `split_k` of k (a multiple of the tile's depth). A and B are copied `width_a` and `width_b`
// neighbours at a time, at most 16 bytes, depending on the alignment of their addresses and strides
// (0: the engine reads single elements). C and aux are written four neighbours at a time if
// `whole_c`, otherwise one by one.
struct ProductCut {
  unsigned tiles_m, tiles_n, splits;
  std::int64_t split_k;
  int width_a, width_b;
  bool whole_c;
};

struct ProductPlan {
  TileSpec tile;  // names the engine too
  Feed feed_a, feed_b;
  ProductCut cut;
  std::int64_t blocks;          // blocks of the grid along x
  unsigned columns_of_blocks;   // blocks along y; 1 except for the direct engine
  std::size_t shared_bytes;     // shared memory of a block
  std::size_t workspace_bytes;  // for sums that blocks share
};

// A text such as "wgmma 128x256x64, 4 stages, split 1, 512 blocks, A k-major by 8, B mn-major by
// 8".
std::string to_text(const ProductPlan& plan);

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_PLAN_H
