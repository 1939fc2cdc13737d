// cast: dst[i] = src[i], from one type to another.
//
// Bytes: each element is read once in one type and written once in the other. Floor: bytes /
// bandwidth.
// Design: each thread converts eight elements, in accesses of up to 16 bytes, with the hardware's
// conversion instructions. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

template <class From, class To, int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads)
    convert(std::int64_t count, const From* src, To* dst) {
  for_chunks<kCount>(count, [=](std::int64_t i, auto n) {
    float x[n.value];
    load_elements(src + i, x);
    store_elements(dst + i, x);
  });
}

template <class From>
hs_status cast_from(const Stream& stream, const CastArgs& args) {
  return with_storage(args.dst_type, [&](auto element) {
    using To = decltype(element);
    bool chunks = aligned(args.src) && aligned(args.dst);
    return launch(stream, elementwise_shape("convert", stream, args.count, chunks ? kChunk : 1),
                  chunks ? convert<From, To, kChunk> : convert<From, To, 1>, args.count,
                  static_cast<const From*>(args.src), static_cast<To*>(args.dst));
  });
}

}  // namespace

hs_status cast(void* stream_of_call, const CastArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  if (args.src_type == HS_U8) return cast_from<std::uint8_t>(stream, args);
  if (args.src_type == HS_I32) return cast_from<std::int32_t>(stream, args);
  return with_storage(args.src_type,
                      [&](auto element) { return cast_from<decltype(element)>(stream, args); });
}

}  // namespace hs::cuda
