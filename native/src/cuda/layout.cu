// permute: the dimensions of an array in another order. copy_rows: rows between pitches.
//
// Bytes: each element is read once and written once. Floor: bytes / bandwidth.
// Design of permute: dimensions that stay neighbours are joined first. Where the last one stays the
// last, its runs are copied in units of up to 16 bytes; otherwise tiles of 32 x 32 elements go through
// shared memory, so that reads and writes both run along memory. copy_rows: units of up to 16
// bytes; a row is shared by a power of two of threads. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kTile = 32;

using Unit16 = Vector<std::uint32_t, 4>;

// The dimensions of y, the last one first, in elements: how far apart their neighbours lie in x and
// in y.
struct Dimensions {
  int rank;
  std::int64_t extent[6], in_x[6], in_y[6];

  // Where element i of the dimensions from `first` on begins.
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

// The last dimension of y is the last of x.
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

// Dimension 0 is the last of y, dimension 1 the last of x: tiles of both, for all places of the
// other dimensions.
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

// Without dimensions of one, and with those joined that are neighbours in x and in y.
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

// Calls launcher(Unit{}) with an unsigned type, or Unit16, of so many bytes.
template <class Launcher>
hs_status with_unit(std::uint64_t bytes, const Launcher& launcher) {
  switch (bytes) {
    case 1:
      return launcher(std::uint8_t{});
    case 2:
      return launcher(std::uint16_t{});
    case 4:
      return launcher(std::uint32_t{});
    case 8:
      return launcher(std::uint64_t{});
    default:
      return launcher(Unit16{});
  }
}

// The largest power of two, 16 at most, of which all that is in `bits` is a multiple.
std::uint64_t unit_of(std::uint64_t bits) {
  std::uint64_t unit = 16;
  while (bits % unit != 0) unit /= 2;
  return unit;
}

hs_status launch_runs(const Queue& queue, Dimensions dims, std::uint64_t element,
                      const PermuteArgs& args) {
  // Runs are copied in larger units where they and the addresses allow it.
  std::uint64_t run = static_cast<std::uint64_t>(dims.extent[0]) * element;
  auto address = [](const void* p) { return std::uint64_t{reinterpret_cast<std::uintptr_t>(p)}; };
  std::uint64_t unit = unit_of(run | address(args.x) | address(args.y));
  auto elements = static_cast<std::int64_t>(unit / element);
  dims.extent[0] /= elements;
  std::int64_t count = dims.extent[0];
  for (int d = 1; d < dims.rank; ++d) {
    dims.in_x[d] /= elements;  // multiples of the run, as all other extents of x lie outside of it
    dims.in_y[d] /= elements;
    count *= dims.extent[d];
  }
  return with_unit(unit, [&](auto u) {
    using Unit = decltype(u);
    return launch(queue, elementwise_shape("permute_runs", queue, count, 1), permute_runs<Unit>,
                  dims, count, static_cast<const Unit*>(args.x), static_cast<Unit*>(args.y));
  });
}

hs_status launch_tiles(const Queue& queue, Dimensions dims, std::uint64_t element,
                       const PermuteArgs& args) {
  for (int d = 2; d < dims.rank; ++d) {  // the last of x comes second
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
                      .grid = {blocks_for(queue, tiles, 1, kElementwiseBlocks)},
                      .block = {kThreads},
                      .shared_bytes = sizeof(TileShared<Unit>)};
    return launch(queue, shape, permute_tiles<Unit>, dims, tiles, static_cast<const Unit*>(args.x),
                  static_cast<Unit*>(args.y));
  });
}

template <class Unit>
HS_KERNEL void __launch_bounds__(kThreads)
    copy_pitched(std::int64_t rows, std::int64_t units, const char* src, std::int64_t src_pitch,
                 char* dst, std::int64_t dst_pitch) {
  std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  for (std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; row < rows;
       row += stride) {
    auto* from = reinterpret_cast<const Unit*>(src + row * src_pitch);
    auto* to = reinterpret_cast<Unit*>(dst + row * dst_pitch);
    for (std::int64_t i = std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x; i < units;
         i += std::int64_t{gridDim.y} * blockDim.x) {
      to[i] = from[i];
    }
  }
}

}  // namespace

hs_status permute(void* queue_of_call, const PermuteArgs& args) {
  for (int d = 0; d < args.rank; ++d) {
    if (args.extents[d] == 0) return HS_OK;
  }
  const Queue& queue = as_queue(queue_of_call);
  constexpr std::uint64_t kBytesOf[] = {4, 2, 2, 4, 1, 8, 8};  // in the order of hs_dtype
  const Dimensions dims = dimensions_of(args);
  return dims.in_x[0] == 1 ? launch_runs(queue, dims, kBytesOf[args.type], args)
                           : launch_tiles(queue, dims, kBytesOf[args.type], args);
}

hs_status copy_rows(void* queue_of_call, const CopyRowsArgs& args) {
  if (args.rows == 0 || args.row_bytes == 0) return HS_OK;
  const Queue& queue = as_queue(queue_of_call);
  auto address = [](const void* p) { return std::uint64_t{reinterpret_cast<std::uintptr_t>(p)}; };
  std::uint64_t unit = unit_of(address(args.src) | address(args.dst) | args.row_bytes |
                               args.src_pitch | args.dst_pitch);
  auto units = static_cast<std::int64_t>(args.row_bytes / unit);
  unsigned columns = 1;
  while (columns < kThreads && columns < units) columns *= 2;
  unsigned rows = kThreads / columns;
  LaunchShape shape{.name = "copy_pitched", .block = {columns, rows}};
  shape.grid.x = blocks_for(queue, args.rows, rows, kElementwiseBlocks);
  // Few long rows are shared by blocks.
  std::int64_t share = std::int64_t{queue.multiprocessors} * kElementwiseBlocks / shape.grid.x;
  std::int64_t pieces = (units + columns - 1) / columns;
  shape.grid.y = static_cast<unsigned>(share < 1 ? 1 : share < pieces ? share : pieces);
  return with_unit(unit, [&](auto u) {
    return launch(queue, shape, copy_pitched<decltype(u)>, args.rows, units,
                  static_cast<const char*>(args.src), static_cast<std::int64_t>(args.src_pitch),
                  static_cast<char*>(args.dst), static_cast<std::int64_t>(args.dst_pitch));
  });
}

}  // namespace hs::cuda
