// reduce_backward: writes each gradient of y to all elements that were reduced (sum, mean), or to
// the largest of them, and zeros to the rest.
//
// Bytes: dx is written once, dy read once from memory. Floor: bytes / bandwidth.
// Design: a thread writes 16 bytes of neighbouring elements of one row or, if inner is 1, of one
// reduced run. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

// A thread's kCount elements of dx belong to one row of [extent, inner] or, if inner = 1, to one
// reduced run.
template <class T, class From, int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads) spread(const ReduceBackwardArgs args) {
  const hs_reduce_desc& desc = args.desc;
  auto* dy = static_cast<const From*>(args.dy);
  auto* dx = static_cast<T*>(args.dx);
  bool one = desc.inner == 1;
  float factor = desc.reduction == HS_MEAN ? 1.0f / static_cast<float>(desc.extent) : 1.0f;
  std::int64_t count = desc.outer * desc.extent * desc.inner;
  for (std::int64_t i = grid_thread() * kCount; i < count; i += grid_threads() * kCount) {
    const Quotient row(i, desc.inner);
    const Quotient array(row.quotient, desc.extent);
    std::int64_t from = array.quotient * desc.inner + row.rest;
    float g[kCount];
    HS_UNROLL for (int e = 0; e < kCount; ++e) {
      std::int64_t at = one ? from : from + e, place = one ? array.rest + e : array.rest;
      bool receives = desc.reduction != HS_MAX || args.index[at] == place;
      g[e] = receives ? factor * to_float(dy[at]) : 0.0f;
    }
    store_elements(dx + i, g);
  }
}

template <class T, class From>
hs_status launch_spread(const Stream& stream, const ReduceBackwardArgs& args) {
  constexpr int kVector = 16 / sizeof(T);
  const hs_reduce_desc& desc = args.desc;
  bool vectors = aligned(args.dx) && (desc.inner == 1 ? desc.extent : desc.inner) % kVector == 0;
  std::int64_t count = desc.outer * desc.extent * desc.inner;
  return launch(stream, elementwise_shape("spread", stream, count, vectors ? kVector : 1),
                vectors ? spread<T, From, kVector> : spread<T, From, 1>, args);
}

}  // namespace

hs_status reduce_backward(void* stream_of_call, const ReduceBackwardArgs& args) {
  if (args.desc.outer * args.desc.inner == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.desc.type, [&](auto element) {
    using T = decltype(element);
    return args.desc.out_type == HS_F32 ? launch_spread<T, float>(stream, args)
                                        : launch_spread<T, T>(stream, args);
  });
}

}  // namespace hs::cuda
