// Activations and their gradients, element by element.
//
// Bytes: for each element forward reads one value and writes one, backward reads two and writes
// one. Floor: bytes / bandwidth; GELU's 40 or so instructions take less time. Design: each thread
// handles eight elements in 16-byte accesses. The activation is chosen at run time and is the same
// for all threads. Each thread reads the elements that it overwrites before it writes, so outputs
// may alias inputs. Not yet measured on a GPU.
#include "cuda/activation_math.h"
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

template <class T, int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads)
    forward(hs_activation kind, std::int64_t count, const T* x, T* y) {
  for_chunks<kCount>(count, [=](std::int64_t i, auto n) {
    float v[n.value];
    load_elements(x + i, v);
    HS_UNROLL for (float& e : v) e = apply_function(kind, e);
    store_elements(y + i, v);
  });
}

template <class T, int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads)
    backward(hs_activation kind, std::int64_t count, const T* dy, const T* saved, T* dx) {
  for_chunks<kCount>(count, [=](std::int64_t i, auto n) {
    float g[n.value], s[n.value];
    load_elements(dy + i, g);
    load_elements(saved + i, s);
    HS_UNROLL for (int e = 0; e < n.value; ++e) g[e] = activate_backward(kind, g[e], s[e]);
    store_elements(dx + i, g);
  });
}

}  // namespace

hs_status activation_forward(void* stream_of_call, const ActivationForwardArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    bool chunks = aligned(args.x) && aligned(args.y);
    return launch(stream,
                  elementwise_shape("activation_forward", stream, args.count, chunks ? kChunk : 1),
                  chunks ? forward<T, kChunk> : forward<T, 1>, args.activation, args.count,
                  static_cast<const T*>(args.x), static_cast<T*>(args.y));
  });
}

hs_status activation_backward(void* stream_of_call, const ActivationBackwardArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    bool chunks = aligned(args.dy) && aligned(args.saved) && aligned(args.dx);
    return launch(stream,
                  elementwise_shape("activation_backward", stream, args.count, chunks ? kChunk : 1),
                  chunks ? backward<T, kChunk> : backward<T, 1>, args.activation, args.count,
                  static_cast<const T*>(args.dy), static_cast<const T*>(args.saved),
                  static_cast<T*>(args.dx));
  });
}

}  // namespace hs::cuda
