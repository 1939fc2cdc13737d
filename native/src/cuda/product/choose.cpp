#include "cuda/product/choose.h"

#include <algorithm>

#include "cuda/alignment.h"

namespace hs::cuda {
namespace {

std::int64_t pieces(std::int64_t whole, std::int64_t piece) { return (whole + piece - 1) / piece; }

bool has_16_bits(const Product& p) { return p.type != HS_F32; }
std::size_t element_bytes(const Product& p) { return has_16_bits(p) ? 2 : 4; }

// The number of elements that are copied at once.
int width(std::size_t aligned, const Product& p) {
  return std::max(static_cast<int>(aligned / element_bytes(p)), 1);
}

std::size_t shared_bytes_of(const TileSpec& tile, const Product& p) {
  return shared_bytes(tile, element_bytes(p), p.transpose_a, p.transpose_b);
}

// Tiles along n. At least 1: even a product without columns has a bias gradient, which the first
// column of tiles computes.
std::int64_t tiles_of_columns(const TileSpec& tile, const Product& p) {
  return p.n == 0 ? 1 : pieces(p.n, tile.n);
}

std::int64_t tiles_of(const TileSpec& tile, const Product& p) {
  return pieces(p.m, tile.m) * tiles_of_columns(tile, p) * p.batch;
}

Feed feed_of_a(const Product& p) {
  if (p.operands == Operands::kForward || p.operands == Operands::kData) return Feed::kWindows;
  return p.transpose_a ? Feed::kMnMajor : Feed::kKMajor;
}

Feed feed_of_b(const Product& p) {
  if (p.operands == Operands::kWeights) return Feed::kWindows;
  if (p.operands == Operands::kData) return Feed::kFilters;
  return p.transpose_b ? Feed::kKMajor : Feed::kMnMajor;
}

ProductPlan begin_plan(const TileSpec& tile, const Product& p) {
  ProductPlan plan{};
  plan.tile = tile;
  plan.feed_a = feed_of_a(p);
  plan.feed_b = feed_of_b(p);
  plan.cut = {1, 1, 1, p.k, width(p.aligned_a, p), width(p.aligned_b, p), p.whole_c};
  plan.columns_of_blocks = 1;
  plan.shared_bytes = shared_bytes_of(tile, p);
  return plan;
}

// The plan with one tile per block. If there are fewer tiles than blocks that fit on the device,
// several blocks share the k of a tile; each gets at least four depths of the tile.
ProductPlan plan_tiles(const TileSpec& tile, const Product& p, const Stream& device) {
  ProductPlan plan = begin_plan(tile, p);
  const std::int64_t tiles = tiles_of(tile, p), depths = pieces(p.k, tile.k);
  const auto room =
      static_cast<std::int64_t>((kWorkspaceBytes - kCounterBytes) / partial_bytes(tile));
  std::int64_t splits = std::int64_t{device.multiprocessors} * tile.blocks / tiles;
  splits = std::min({splits, room / tiles, depths / 4});
  if (splits < 1 || tiles > kGridCounters) splits = 1;
  const std::int64_t split_k = pieces(depths, splits) * tile.k;
  plan.cut.tiles_m = static_cast<unsigned>(pieces(p.m, tile.m));
  plan.cut.tiles_n = static_cast<unsigned>(tiles_of_columns(tile, p));
  plan.cut.splits = split_k == 0 ? 1 : static_cast<unsigned>(pieces(p.k, split_k));
  plan.cut.split_k = split_k;
  plan.blocks = tiles * plan.cut.splits;
  if (plan.cut.splits > 1) {
    plan.workspace_bytes = static_cast<std::size_t>(plan.blocks) * partial_bytes(tile);
  }
  return plan;
}

// Whether the direct engine computes the product: for windows of few values, such as those of a
// network's first layer, which would leave most of a tile's depth empty.
bool is_direct(const Product& p) {
  constexpr std::int64_t kMostValues = 32;
  constexpr std::int64_t kMostOutputs = 1024;  // the workspace has room for their partial sums
  const bool forward = p.operands == Operands::kForward;
  if (!forward && p.operands != Operands::kWeights) return false;
  return p.batch == 1 && (forward ? p.k : p.n) <= kMostValues && p.channels % 8 != 0 &&
         (forward ? p.n : p.m) <= kMostOutputs;
}

// The plan of the direct engine's forward pass; each warp loops over tiles of pixels.
ProductPlan plan_direct_forward(const TileSpec& tile, const Product& p, const Stream& device) {
  ProductPlan plan = begin_plan(tile, p);
  plan.cut.width_a = plan.cut.width_b = 0;
  plan.blocks = blocks_for(device, p.m, tile.m, tile.blocks);
  plan.columns_of_blocks = static_cast<unsigned>(pieces(p.n, tile.n));
  return plan;
}

// The plan of the direct engine's gradient of the weights. One block per multiprocessor keeps the
// sum over blocks short. If there are few pixels, all multiprocessors still work, each with fewer
// warps.
ProductPlan plan_direct_weights(const TileSpec& tile, const Product& p, const Stream& device) {
  ProductPlan plan = begin_plan(tile, p);
  plan.cut.width_a = plan.cut.width_b = 0;
  const std::int64_t parts = pieces(p.m, tile.m);
  const auto room =
      static_cast<std::int64_t>((kWorkspaceBytes - kCounterBytes) / partial_bytes(tile));
  const std::int64_t blocks = blocks_for(device, p.k, kTilePixels, tile.blocks) / parts;
  plan.blocks = std::clamp(blocks, std::int64_t{1}, room / parts);
  plan.columns_of_blocks = static_cast<unsigned>(parts);
  plan.cut.splits = static_cast<unsigned>(plan.blocks);
  plan.workspace_bytes = static_cast<std::size_t>(plan.blocks * parts) * partial_bytes(tile);
  return plan;
}

ProductPlan plan_direct(const Product& p, const Stream& device) {
  if (p.operands == Operands::kForward) {
    return plan_direct_forward(p.k <= 9    ? DirectForward<9>::kSpec
                               : p.k <= 27 ? DirectForward<27>::kSpec
                                           : DirectForward<32>::kSpec,
                               p, device);
  }
  return plan_direct_weights(p.n <= 9    ? DirectWeights<9>::kSpec
                             : p.n <= 27 ? DirectWeights<27>::kSpec
                                         : DirectWeights<32>::kSpec,
                             p, device);
}

bool fits(const TileSpec& tile, const Product& p) {
  return p.m <= tile.m && p.n <= tile.n && p.k <= tile.k;
}

// Whether the packed engine computes the product: for many small matrices. If there are fewer
// matrices than multiprocessors, it is better that the warps of a block share a matrix; for
// matrices of 64, warpgroups are better.
bool is_packed(const Product& p, const Stream& device) {
  return p.operands == Operands::kMatrices && has_16_bits(p) && !p.bias_grad &&
         p.batch >= device.multiprocessors &&
         fits(device.warpgroups ? Packed32::kSpec : Packed64::kSpec, p);
}

// The plan of the packed engine; each warp loops over matrices.
ProductPlan plan_packed(const Product& p, const Stream& device) {
  const TileSpec& tile = fits(Packed16::kSpec, p)   ? Packed16::kSpec
                         : fits(Packed32::kSpec, p) ? Packed32::kSpec
                                                    : Packed64::kSpec;
  ProductPlan plan = begin_plan(tile, p);
  plan.blocks = blocks_for(device, p.batch, tile.units_m, tile.blocks);
  return plan;
}

// The largest tile of which the product has enough to occupy the device, if each part of k that
// blocks may share counts as a tile. Flat tiles are only for matrices in memory: windows are
// located row by row, which more blocks do faster.
const TileSpec& wgmma_tile(const Product& p, const Stream& device) {
  // The least k of a part, and the least k for wide tiles.
  constexpr std::int64_t kWorthAPart = 512, kWorthWideTiles = 256;
  const std::int64_t parts = p.k < kWorthAPart ? 1 : p.k / kWorthAPart;
  const auto suits = [&](const TileSpec& tile) {
    return p.n > tile.n / 2 && tiles_of(tile, p) * parts >= device.multiprocessors &&
           shared_bytes_of(tile, p) <= device.shared_bytes;
  };
  if (p.m > WgmmaLittle::kSpec.m) {
    if (p.k >= kWorthWideTiles && suits(WgmmaWide::kSpec)) return WgmmaWide::kSpec;
    if (suits(WgmmaMedium::kSpec)) return WgmmaMedium::kSpec;
    if (p.n <= WgmmaTall::kSpec.n && suits(WgmmaTall::kSpec)) return WgmmaTall::kSpec;
  } else if (p.operands == Operands::kMatrices && suits(WgmmaFlat::kSpec)) {
    return WgmmaFlat::kSpec;
  }
  return WgmmaLittle::kSpec;
}

// The large tile, if the product has enough of them to occupy the device and does not leave half of
// one empty; otherwise the small tile.
const TileSpec& large_or_small(const TileSpec& large, const TileSpec& small, const Product& p,
                               const Stream& device) {
  const bool suits = p.m > large.m / 2 && p.n > large.n / 2 &&
                     tiles_of(large, p) >= device.multiprocessors &&
                     shared_bytes_of(large, p) <= device.shared_bytes;
  return suits ? large : small;
}

std::size_t aligned(const void* address, std::int64_t strides, const Product& p) {
  const auto bytes = static_cast<std::uint64_t>(strides) * element_bytes(p);
  return unit_of(address_bits(address) | bytes);
}

}  // namespace

Product describe(const MatmulArgs& args, Operands operands, std::int64_t channels) {
  const hs_matmul_desc& desc = args.desc;
  Product p;
  p.operands = operands;
  p.type = desc.type;
  p.tf32 = args.tf32;
  p.transpose_a = desc.transpose_a != 0 || operands == Operands::kWeights;
  p.transpose_b = desc.transpose_b != 0 || operands == Operands::kForward;
  p.bias_grad = args.bias_grad != nullptr;
  p.batch = desc.batch;
  p.m = desc.m;
  p.n = desc.n;
  p.k = desc.k;
  p.channels = channels;
  // The alignment of A and B depends on the distances between their rows and matrices. A pixel has
  // the channels of all groups, a filter those of one group.
  const std::int64_t next_a = desc.batch > 1 ? desc.stride_a : 0;
  const std::int64_t next_b = desc.batch > 1 ? desc.stride_b : 0;
  const std::int64_t next_c = desc.batch > 1 ? desc.stride_c : 0;
  const bool windows_a = operands == Operands::kForward || operands == Operands::kData;
  p.aligned_a = aligned(args.a, windows_a ? desc.stride_a : desc.lda | next_a, p);
  p.aligned_b = aligned(args.b,
                        operands == Operands::kWeights ? desc.stride_b
                        : operands == Operands::kData  ? desc.n
                                                       : desc.ldb | next_b,
                        p);
  p.whole_c =
      unit_of(address_bits(args.c) | address_bits(args.aux)) == 16 && (desc.ldc | next_c) % 4 == 0;
  return p;
}

ProductPlan choose(const Product& p, const Stream& device) {
  if (is_direct(p)) return plan_direct(p, device);
  if (is_packed(p, device)) return plan_packed(p, device);
  if (has_16_bits(p) && device.warpgroups &&
      shared_bytes_of(WgmmaLittle::kSpec, p) <= device.shared_bytes) {
    return plan_tiles(wgmma_tile(p, device), p, device);
  }
  if (has_16_bits(p)) {
    return plan_tiles(large_or_small(MmaLarge<2>::kSpec, MmaSmall<2>::kSpec, p, device), p, device);
  }
  if (p.tf32) {
    return plan_tiles(large_or_small(MmaLarge<4>::kSpec, MmaSmall<4>::kSpec, p, device), p, device);
  }
  return plan_tiles(large_or_small(FmaLarge::kSpec, FmaSmall::kSpec, p, device), p, device);
}

}  // namespace hs::cuda
