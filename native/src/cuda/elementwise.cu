// elementwise: operations on the elements of two arrays, the second of which may repeat.
// scale_add: y = alpha x + beta y. dropout: y = scale x for kept elements, otherwise 0.
//
// Bytes: for each element elementwise reads two values (one if the second array repeats) and writes
// one, the others read one or two and write one. FLOPs: dropout about 15 integer operations. Floor:
// bytes / bandwidth.
// Design: each thread handles eight elements in 16-byte accesses; an operand that repeats stays in
// the caches. Dropout stores no mask: the backward pass draws the same bits again. Not yet measured
// on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "numerics/philox.h"

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

constexpr int kWords = 4;  // words of a Philox counter

template <class T, bool kAligned>
HS_KERNEL void __launch_bounds__(kElementwiseThreads) drop(const DropoutArgs args) {
  auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<T*>(args.y);
  auto micro_step = static_cast<std::uint64_t>(args.state->micro_step);
  std::uint64_t sequence = micro_step << 32 | args.operation;
  double rate = args.rate;
  auto threshold = static_cast<std::uint32_t>(rate * 0x1p32);
  auto scale = static_cast<float>(1.0 / (1.0 - rate));
  std::int64_t counters = (args.count + kWords - 1) / kWords;
  for (std::int64_t c = grid_thread(); c < counters; c += grid_threads()) {
    const Philox4x32 bits = philox(static_cast<std::uint64_t>(c), sequence, args.seed);
    std::int64_t i = c * kWords;
    float v[kWords] = {};
    bool whole = kAligned && i + kWords <= args.count;
    if (whole) {
      load_elements(x + i, v);
    } else {
      HS_UNROLL for (int w = 0; w < kWords; ++w) {
        if (i + w < args.count) v[w] = to_float(x[i + w]);
      }
    }
    // A dropped element is 0 even if x is not finite.
    HS_UNROLL for (int w = 0; w < kWords; ++w) {
      v[w] = bits.word[w] < threshold ? 0.0f : v[w] * scale;
    }
    if (whole) {
      store_elements(y + i, v);
    } else {
      HS_UNROLL for (int w = 0; w < kWords; ++w) {
        if (i + w < args.count) y[i + w] = from_float<T>(v[w]);
      }
    }
  }
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

hs_status dropout(void* stream_of_call, const DropoutArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    bool chunks = aligned(args.x) && aligned(args.y);
    return launch(stream, elementwise_shape("drop", stream, args.count, kWords),
                  chunks ? drop<T, true> : drop<T, false>, args);
  });
}

}  // namespace hs::cuda
