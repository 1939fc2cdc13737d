// copy_rows: copies rows of bytes from one pitch to another.
//
// Bytes: each is read once and written once. Floor: bytes / bandwidth.
// Design: units of up to 16 bytes; a power of two of threads shares a row. Not yet measured on a
// GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/units.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;

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

hs_status copy_rows(void* stream_of_call, const CopyRowsArgs& args) {
  if (args.rows == 0 || args.row_bytes == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  std::uint64_t unit = unit_of(address_bits(args.src) | address_bits(args.dst) | args.row_bytes |
                               args.src_pitch | args.dst_pitch);
  auto units = static_cast<std::int64_t>(args.row_bytes / unit);
  unsigned columns = 1;
  while (columns < kThreads && columns < units) columns *= 2;
  unsigned rows = kThreads / columns;
  LaunchShape shape{.name = "copy_pitched", .block = {columns, rows}};
  shape.grid.x = blocks_for(stream, args.rows, rows, kElementwiseBlocks);
  // If there are few long rows, several blocks share a row.
  std::int64_t share = std::int64_t{stream.multiprocessors} * kElementwiseBlocks / shape.grid.x;
  std::int64_t pieces = (units + columns - 1) / columns;
  shape.grid.y = static_cast<unsigned>(share < 1 ? 1 : share < pieces ? share : pieces);
  return with_unit(unit, [&](auto u) {
    return launch(stream, shape, copy_pitched<decltype(u)>, args.rows, units,
                  static_cast<const char*>(args.src), static_cast<std::int64_t>(args.src_pitch),
                  static_cast<char*>(args.dst), static_cast<std::int64_t>(args.dst_pitch));
  });
}

}  // namespace hs::cuda
