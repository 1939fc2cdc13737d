// The numbering of the tiles of a product, and the part of it that a block computes.
#ifndef HALFSTEP_CUDA_PRODUCT_PART_H
#define HALFSTEP_CUDA_PRODUCT_PART_H

#include "cuda/platform.h"
#include "cuda/product/plan.h"
#include "halfstep.h"

namespace hs::cuda {

// The part of a product that one block computes.
struct BlockPart {
  std::int64_t matrix, m, n;  // index in the batch; the tile's first row and column
  std::int64_t k_begin, k_end;
  unsigned number, split;  // number of the tile in the grid; number of the block in its tile
};

// Blocks that run at the same time should read the same data, so that it comes from the
// second-level cache. So tiles are numbered down a column of kTileGroup tiles, then down the next
// column.
constexpr unsigned kTileGroup = 16;

template <int kRows, int kColumns>
HS_DEVICE BlockPart part_of_block(const hs_matmul_desc& desc, const ProductCut& cut) {
  BlockPart part;
  part.split = blockIdx.x % cut.splits;
  part.number = blockIdx.x / cut.splits;
  const unsigned tiles = cut.tiles_m * cut.tiles_n;
  const unsigned in_matrix = part.number % tiles, first = in_matrix / cut.tiles_n / kTileGroup;
  const unsigned in_group = in_matrix - first * kTileGroup * cut.tiles_n;
  const unsigned left = cut.tiles_m - first * kTileGroup;
  const unsigned rows = left < kTileGroup ? left : kTileGroup;
  part.m = std::int64_t{first * kTileGroup + in_group % rows} * kRows;
  part.n = std::int64_t{in_group / rows} * kColumns;
  part.matrix = part.number / tiles;
  part.k_begin = part.split * cut.split_k;
  std::int64_t end = part.k_begin + cut.split_k;
  part.k_end = end < desc.k ? end : desc.k;
  return part;
}

}  // namespace hs::cuda

#endif  // HALFSTEP_CUDA_PRODUCT_PART_H
