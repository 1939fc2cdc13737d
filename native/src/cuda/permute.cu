// permute: copies an array with its dimensions in another order.
//
// Bytes: each element is read once and written once. Floor: bytes / bandwidth.
// Design: dimensions that remain neighbours are joined first. If the last dimension remains the
// last, its runs are copied in units of up to 16 bytes; otherwise tiles of 32 x 32 elements go
// through shared memory, so that both reads and writes are contiguous. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/units.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kTile = 32;

// The dimensions of y, the last one first, and their strides in x and in y, in elements.
struct Dimensions {
  int rank;
  std::int64_t extent[6], in_x[6], in_y[6];

  // Sets x and y to the offsets of position i, counted over the dimensions from `first` on.
  HS_DEVICE void place(std::int64_t i, int first, std::int64_t& x, std::int64_t& y) const {
    x = y = 0;
    for (int d = first; d < rank; ++d) {
      const Quotient q(i, extent[d]);
      i = q.quotient;
      x += q.rest * in_x[d];
      y += q.rest * in_y[d];
    }
  }
};

// Copies an array whose last dimension in y is also the last in x.
template <class Unit>
HS_KERNEL void __launch_bounds__(kThreads)
    permute_runs(const Dimensions dims, std::int64_t count, const Unit* x, Unit* y) {
  for (std::int64_t i = grid_thread(); i < count; i += grid_threads()) {
    std::int64_t from, to;
    dims.place(i, 0, from, to);
    y[i] = x[from];
  }
}

template <class Unit>
struct TileShared {
  Unit element[kTile][kTile + 1];  // padded against bank conflicts
};

// Dimension 0 is the last of y, dimension 1 the last of x. Transposes tiles of these two
// dimensions, for all positions of the others.
template <class Unit>
HS_KERNEL void __launch_bounds__(kThreads)
    permute_tiles(const Dimensions dims, std::int64_t tiles, const Unit* x, Unit* y) {
  auto& shared = shared_memory<TileShared<Unit>>();
  std::int64_t along_y = (dims.extent[0] + kTile - 1) / kTile;
  std::int64_t along_x = (dims.extent[1] + kTile - 1) / kTile;
  int column = static_cast<int>(threadIdx.x) % kTile;
  int first_row = static_cast<int>(threadIdx.x) / kTile;
  constexpr int kRows = static_cast<int>(kThreads) / kTile;
  for (std::int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    std::int64_t first0 = tile % along_y * kTile, first1 = tile / along_y % along_x * kTile;
    std::int64_t from, to;
    dims.place(tile / along_y / along_x, 2, from, to);
    from += first0 * dims.in_x[0] + first1;
    to += first0 + first1 * dims.in_y[1];
    std::int64_t left0 = dims.extent[0] - first0, left1 = dims.extent[1] - first1;
    for (int row = first_row; row < kTile && row < left0; row += kRows) {
      if (column < left1) shared.element[row][column] = x[from + row * dims.in_x[0] + column];
    }
    __syncthreads();
    for (int row = first_row; row < kTile && row < left1; row += kRows) {
      if (column < left0) y[to + row * dims.in_y[1] + column] = shared.element[column][row];
    }
    __syncthreads();  // the next tile overwrites this one
  }
}

// The dimensions without those of extent 1; dimensions that are neighbours in both x and y are
// joined.
Dimensions dimensions_of(const PermuteArgs& args) {
  std::int64_t stride[6], next = 1;
  for (int d = args.rank - 1; d >= 0; --d) {
    stride[d] = next;
    next *= args.extents[d];
  }
  Dimensions dims{};
  next = 1;
  for (int d = args.rank - 1; d >= 0; --d) {
    std::int64_t extent = args.extents[args.permutation[d]], in_x = stride[args.permutation[d]];
    if (extent == 1) continue;
    int last = dims.rank - 1;
    if (last >= 0 && in_x == dims.in_x[last] * dims.extent[last]) {
      dims.extent[last] *= extent;
    } else {
      dims.extent[dims.rank] = extent;
      dims.in_x[dims.rank] = in_x;
      dims.in_y[dims.rank++] = next;
    }
    next *= extent;
  }
  if (dims.rank == 0) dims = {1, {1}, {1}, {1}};  // a single element
  return dims;
}

hs_status launch_runs(const Stream& stream, Dimensions dims, std::uint64_t element,
                      const PermuteArgs& args) {
  // Copies runs in larger units if their length and the addresses allow it.
  std::uint64_t run = static_cast<std::uint64_t>(dims.extent[0]) * element;
  std::uint64_t unit = unit_of(run | address_bits(args.x) | address_bits(args.y));
  auto elements = static_cast<std::int64_t>(unit / element);
  dims.extent[0] /= elements;
  std::int64_t count = dims.extent[0];
  for (int d = 1; d < dims.rank; ++d) {
    dims.in_x[d] /= elements;  // exact, since all other strides are multiples of the run
    dims.in_y[d] /= elements;
    count *= dims.extent[d];
  }
  return with_unit(unit, [&](auto u) {
    using Unit = decltype(u);
    return launch(stream, elementwise_shape("permute_runs", stream, count, 1), permute_runs<Unit>,
                  dims, count, static_cast<const Unit*>(args.x), static_cast<Unit*>(args.y));
  });
}

hs_status launch_tiles(const Stream& stream, Dimensions dims, std::uint64_t element,
                       const PermuteArgs& args) {
  for (int d = 2; d < dims.rank; ++d) {  // moves the last dimension of x to index 1
    if (dims.in_x[d] != 1) continue;
    std::int64_t extent = dims.extent[d], in_y = dims.in_y[d];
    for (int e = d; e > 1; --e) {
      dims.extent[e] = dims.extent[e - 1];
      dims.in_x[e] = dims.in_x[e - 1];
      dims.in_y[e] = dims.in_y[e - 1];
    }
    dims.extent[1] = extent;
    dims.in_x[1] = 1;
    dims.in_y[1] = in_y;
  }
  std::int64_t tiles =
      (dims.extent[0] + kTile - 1) / kTile * ((dims.extent[1] + kTile - 1) / kTile);
  for (int d = 2; d < dims.rank; ++d) tiles *= dims.extent[d];
  return with_unit(element, [&](auto u) {
    using Unit = decltype(u);
    LaunchShape shape{.name = "permute_tiles",
                      .grid = {blocks_for(stream, tiles, 1, kElementwiseBlocks)},
                      .block = {kThreads},
                      .shared_bytes = sizeof(TileShared<Unit>)};
    return launch(stream, shape, permute_tiles<Unit>, dims, tiles, static_cast<const Unit*>(args.x),
                  static_cast<Unit*>(args.y));
  });
}

}  // namespace

hs_status permute(void* stream_of_call, const PermuteArgs& args) {
  for (int d = 0; d < args.rank; ++d) {
    if (args.extents[d] == 0) return HS_OK;
  }
  const Stream& stream = as_stream(stream_of_call);
  constexpr std::uint64_t kBytesOf[] = {4, 2, 2, 4, 1, 8, 8};  // in the order of hs_dtype
  const Dimensions dims = dimensions_of(args);
  return dims.in_x[0] == 1 ? launch_runs(stream, dims, kBytesOf[args.type], args)
                           : launch_tiles(stream, dims, kBytesOf[args.type], args);
}

}  // namespace hs::cuda
