// random_normal, random_uniform: Philox4x32-10, which gives four numbers per counter.
//
// Bytes: 4 written per number. FLOPs: about 60 integer operations per number and, for normals, 20
// others, which take less time than writing 4 bytes. Floor: bytes / bandwidth.
// Design: a thread computes the four numbers of a counter and writes them at once. Normals by Box
// and Muller (1958): words 0 and 1 give one pair, words 2 and 3 another. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "numerics/philox.h"

namespace hs::cuda {
namespace {

constexpr int kWords = 4;  // words of a counter

struct Normal {
  float mean, deviation;
  HS_DEVICE void operator()(const Philox4x32& bits, float (&x)[kWords]) const {
    HS_UNROLL for (int pair = 0; pair < kWords; pair += 2) {
      // The radius uses all 32 bits, so that the tails reach 6.7 deviations; the angle is in half
      // turns.
      float u = static_cast<float>(bits.word[pair]) * 0x1p-32f + 0x1p-33f;
      float radius = deviation * sqrtf(-2.0f * logf(fminf(u, 1.0f)));
      float angle = static_cast<float>(static_cast<std::int32_t>(bits.word[pair + 1])) * 0x1p-31f;
      float sine, cosine;
      sincospif(angle, &sine, &cosine);
      x[pair] = radius * cosine + mean;
      x[pair + 1] = radius * sine + mean;
    }
  }
};

struct Uniform {
  float low, high, largest;  // largest: the largest float below high
  HS_DEVICE void operator()(const Philox4x32& bits, float (&x)[kWords]) const {
    HS_UNROLL for (int w = 0; w < kWords; ++w) {
      float u = unit_uniform(bits.word[w]);
      // Computed without high - low, which may overflow.
      x[w] = fminf(high * u + low * (1.0f - u), largest);
    }
  }
};

template <class Args, class Distribution, bool kAligned>
HS_KERNEL void __launch_bounds__(kElementwiseThreads)
    generate(Args args, Distribution distribution) {
  std::int64_t counters = (args.count + kWords - 1) / kWords;
  for (std::int64_t c = grid_thread(); c < counters; c += grid_threads()) {
    float x[kWords];
    distribution(philox(static_cast<std::uint64_t>(c), args.sequence, args.seed), x);
    std::int64_t i = c * kWords;
    if (kAligned && i + kWords <= args.count) {
      store_elements(args.dst + i, x);
    } else {
      HS_UNROLL for (int w = 0; w < kWords; ++w) {
        if (i + w < args.count) args.dst[i + w] = x[w];
      }
    }
  }
}

template <class Args, class Distribution>
hs_status run(void* stream_of_call, const char* name, const Args& args,
              const Distribution& distribution) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return launch(
      stream, elementwise_shape(name, stream, args.count, kWords),
      aligned(args.dst) ? generate<Args, Distribution, true> : generate<Args, Distribution, false>,
      args, distribution);
}

}  // namespace

hs_status random_normal(void* stream, const RandomNormalArgs& args) {
  return run(stream, "random_normal", args, Normal{args.mean, args.deviation});
}

hs_status random_uniform(void* stream, const RandomUniformArgs& args) {
  float low = args.low, high = args.high;
  float largest = low < high ? nextafterf(high, low) : high;
  return run(stream, "random_uniform", args, Uniform{low, high, largest});
}

}  // namespace hs::cuda
