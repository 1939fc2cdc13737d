// dropout: x scaled where kept, otherwise 0.
//
// Bytes of an element: one is read and one is written. FLOPs: about 15 integer operations. Floor:
// bytes / bandwidth.
// Design: a thread takes the four elements of one counter of Philox. Nothing is stored: the backward
// pass draws the same bits again. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "numerics/philox.h"

namespace hs::cuda {
namespace {

constexpr int kWords = 4;  // of a counter of Philox

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
    // What is dropped is 0 even where x is not finite.
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
