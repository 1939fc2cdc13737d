// gather: copies the rows of a batch by their index, converts, scales and shifts them.
//
// Bytes: each chosen row is read once and written once. Floor: bytes / bandwidth.
// Design: a power of two of threads shares a row; short rows have few threads, so that a block
// handles several rows. Neighbouring threads access neighbouring elements. Not yet measured on a
// GPU.
#include "numerics/step.h"

#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

constexpr unsigned kThreads = 256;

template <class From, class To>
HS_DEVICE To gathered(const GatherArgs& args, const From* row, std::int64_t i) {
  float x = to_float(row[i]);
  if (args.scale != nullptr) {
    // Divides in 32 bits if possible: a 64-bit division would cost as much as all the rest.
    std::int64_t channel =
        args.desc.row_size >> 32 == 0
            ? static_cast<unsigned>(i) % static_cast<unsigned>(args.desc.channels)
            : i % args.desc.channels;
    x = x * args.scale[channel] + args.shift[channel];
  }
  return from_float<To>(x);
}

// Tokens and labels are copied unchanged.
template <>
HS_DEVICE std::int32_t gathered<std::int32_t, std::int32_t>(const GatherArgs&,
                                                            const std::int32_t* row,
                                                            std::int64_t i) {
  return row[i];
}

template <class From, class To>
HS_KERNEL void __launch_bounds__(kThreads) gather_rows(const GatherArgs args) {
  const hs_gather_desc& desc = args.desc;
  auto* src = static_cast<const From*>(args.src);
  auto* dst = static_cast<To*>(args.dst);
  std::int64_t places = args.order != nullptr ? desc.order_size : desc.src_rows;
  std::int64_t start = args.state != nullptr ? ring_place(args.state->cursor, places) : 0;
  std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  for (std::int64_t b = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; b < desc.batch;
       b += stride) {
    std::int64_t place = (start + b) % places;
    std::int64_t row = args.order != nullptr ? args.order[place] : place;
    bool valid = row >= 0 && row < desc.src_rows;
    if (!valid && args.state != nullptr && threadIdx.x == 0) {
      atomicOr(&args.state->error, static_cast<unsigned>(HS_ERROR_INDEX));
    }
    for (std::int64_t i = threadIdx.x; i < desc.row_size; i += blockDim.x) {
      dst[b * desc.row_size + i] =
          valid ? gathered<From, To>(args, src + row * desc.row_size, i) : To{};
    }
  }
}

template <class From, class To>
hs_status launch_gather(const Stream& stream, const GatherArgs& args) {
  unsigned columns = 1;
  while (columns < kThreads && columns < args.desc.row_size) columns *= 2;
  unsigned rows = kThreads / columns;
  unsigned blocks = blocks_for(stream, args.desc.batch, rows, kElementwiseBlocks);
  return launch(stream, {.name = "gather_rows", .grid = {blocks}, .block = {columns, rows}},
                gather_rows<From, To>, args);
}

}  // namespace

hs_status gather(void* stream_of_call, const GatherArgs& args) {
  if (args.desc.batch == 0 || args.desc.row_size == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  if (args.desc.src_type == HS_I32) {
    return launch_gather<std::int32_t, std::int32_t>(stream, args);
  }
  return with_storage(args.desc.dst_type, [&](auto element) {
    using To = decltype(element);
    return args.desc.src_type == HS_U8 ? launch_gather<std::uint8_t, To>(stream, args)
                                       : launch_gather<float, To>(stream, args);
  });
}

}  // namespace hs::cuda
