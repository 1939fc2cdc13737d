// elementwise: operations on the elements of two arrays, the second of which may repeat.
// scale_add: y = alpha x + beta y.
//
// Bytes: for each element elementwise reads two values (one if the second array repeats) and writes
// one, scale_add reads one or two and writes one. Floor: bytes / bandwidth.
// Design: each thread handles eight elements in 16-byte accesses; an operand that repeats stays in
// the caches. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

// `op` is the same for all threads, so the switch causes no divergence.
HS_DEVICE float combine(hs_binary op, float a, float b) {
  switch (op) {
    case HS_ADD:
      return a + b;
    case HS_SUBTRACT:
      return a - b;
    case HS_DIVIDE:
      return a / b;
    case HS_MAXIMUM:  // a NaN in a is chosen by a != a, a NaN in b since a > b is then false
      return a > b || a != a ? a : b;
    case HS_MINIMUM:
      return a < b || a != a ? a : b;
    case HS_GREATER:
      return a < b ? 0.0f : a == b ? 0.5f : 1.0f;
    case HS_LESS:
      return a > b ? 0.0f : a == b ? 0.5f : 1.0f;
    default:
      return a * b;
  }
}

// If kRepeats, b has `period` elements, a multiple of kCount, and repeats.
template <class T, int kCount, bool kRepeats>
HS_KERNEL void __launch_bounds__(kElementwiseThreads) combine_all(const ElementwiseArgs args) {
  auto* a = static_cast<const T*>(args.a);
  auto* b = static_cast<const T*>(args.b);
  auto* y = static_cast<T*>(args.y);
  for_chunks<kCount>(args.count, [&](std::int64_t i, auto n) {
    float u[n.value], v[n.value];
    load_elements(a + i, u);
    load_elements(b + (kRepeats ? Quotient(i, args.period).rest : i), v);
    HS_UNROLL for (int e = 0; e < n.value; ++e) u[e] = combine(args.op, u[e], v[e]);
    store_elements(y + i, u);
  });
}

template <class T, int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads) scale_and_add(const ScaleAddArgs args) {
  auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<T*>(args.y);
  for_chunks<kCount>(args.count, [&](std::int64_t i, auto n) {
    float u[n.value];
    load_elements(x + i, u);
    HS_UNROLL for (float& e : u) e *= args.alpha;
    if (args.beta != 0) {
      float old[n.value];
      load_elements(y + i, old);
      HS_UNROLL for (int e = 0; e < n.value; ++e) u[e] += args.beta * old[e];
    }
    store_elements(y + i, u);
  });
}

}  // namespace

hs_status elementwise(void* stream_of_call, const ElementwiseArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    bool repeats = args.period != args.count;
    bool chunks = aligned(args.a) && aligned(args.b) && aligned(args.y) &&
                  (!repeats || args.period % kChunk == 0);
    LaunchShape shape = elementwise_shape("combine_all", stream, args.count, chunks ? kChunk : 1);
    if (repeats) {
      return launch(stream, shape, chunks ? combine_all<T, kChunk, true> : combine_all<T, 1, true>,
                    args);
    }
    return launch(stream, shape, chunks ? combine_all<T, kChunk, false> : combine_all<T, 1, false>,
                  args);
  });
}

hs_status scale_add(void* stream_of_call, const ScaleAddArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    bool chunks = aligned(args.x) && aligned(args.y);
    return launch(stream,
                  elementwise_shape("scale_and_add", stream, args.count, chunks ? kChunk : 1),
                  chunks ? scale_and_add<T, kChunk> : scale_and_add<T, 1>, args);
  });
}

}  // namespace hs::cuda
