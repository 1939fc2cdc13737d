// Normal and uniform random numbers from Philox4x32-10. Bound by arithmetic: ten rounds of four
// wide products for 4 * kLanes numbers.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/philox.h"
#include "cpu/kernels/storage.h"
#include "cpu/simd_math.h"
#include "numerics/conversions.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpan = 64 << 10;
constexpr double kNsPerNumber = 1.5;

// Multiples of 2^-24 in [0, 1).
HS_INLINE vf unit_uniform(vu word) {
  return __builtin_convertvector(reinterpret_cast<vi>(word >> 8), vf) * 0x1p-24f;
}

// Numbers in [low, high): `largest` is the largest result. They are computed without high - low,
// which may overflow.
HS_INLINE Numbers uniform_numbers(const Words& words, float low, float high, float largest) {
  Numbers n;
  for (int w = 0; w < 4; w++) {
    const vf u = unit_uniform(words.word[w]);
    n.word[w] = min(high * u + low * (1.0f - u), set1(largest));
  }
  return n;
}

// Sine and cosine of 2 pi word / 2^32. The upper bits give the quarter of the circle, so that the
// range reduction is exact; for the rest, in [-pi/4, pi/4], polynomials have an error under 1 ulp.
HS_INLINE void sine_cosine(vu word, vf* sine, vf* cosine) {
  const vu quarter = (word + 0x20000000u) >> 30;
  const vi rest = reinterpret_cast<vi>(word - (quarter << 30));
  const vf a = __builtin_convertvector(rest, vf) * 1.46291807927e-9f;  // 2 pi / 2^32
  const vf t = a * a;
  vf s = 2.6001e-6f + vf{};
  s = s * t + -1.9806615e-4f;
  s = s * t + 8.3330173e-3f;
  s = s * t + -1.6666657e-1f;
  s = s * (t * a) + a;
  vf c = 2.4384e-5f + vf{};
  c = c * t + -1.3886730e-3f;
  c = c * t + 4.1666638e-2f;
  c = c * (t * t) + (1.0f - 0.5f * t);
  const vi swap = reinterpret_cast<vi>(quarter & 1) != 0;
  const vf sine_magnitude = swap ? c : s, cosine_magnitude = swap ? s : c;
  // Signs: sine is negative in quarters 2 and 3, cosine in 1 and 2.
  const vi sine_sign = reinterpret_cast<vi>((quarter & 2) << 30);
  const vi cosine_sign = reinterpret_cast<vi>(((quarter + 1) & 2) << 30);
  *sine = from_bits(bits(sine_magnitude) ^ sine_sign);
  *cosine = from_bits(bits(cosine_magnitude) ^ cosine_sign);
}

// Normal numbers by Box and Muller (1958): words 0 and 1 give one pair, words 2 and 3 another. The
// radius uses all 32 bits of a word, (word + 1/2) / 2^32, so the tails reach 6.7 deviations.
HS_INLINE Numbers normal_numbers(const Words& words, float mean, float deviation) {
  Numbers n;
  for (int pair = 0; pair < 4; pair += 2) {
    const vf u = __builtin_convertvector(words.word[pair], vf) * 0x1p-32f + 0x1p-33f;
    const vf radius = deviation * sqrt(-2.0f * log(min(u, set1(1.0f))));
    vf sine, cosine;
    sine_cosine(words.word[pair + 1], &sine, &cosine);
    n.word[pair] = radius * cosine + mean;
    n.word[pair + 1] = radius * sine + mean;
  }
  return n;
}

// Computes dst[i] from counter i / 4, whatever the count: even the last block is computed whole.
template <class Args, class Make>
HS_INLINE void generate(const Args& args, const Make& make) {
  for_spans(args.count, kSpan, kNsPerNumber, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kPhiloxBlock) {
      const Words words = philox_block(static_cast<uint64_t>(i / 4), args.sequence, args.seed);
      const Numbers n = interleave(make(words));
      for (int w = 0; w < 4; w++) {
        const int64_t at = i + w * kLanes;
        if (at + kLanes <= end) {
          store(args.dst + at, n.word[w]);
        } else {
          store(args.dst + at, n.word[w], first_lanes(end - at));
        }
      }
    }
  });
}

// The largest float below the finite x.
float next_below(float x) {
  if (x == 0) return -0x1p-126f;  // not a denormal: they are flushed to zero
  const uint32_t bits_of_x = float_bits(x);
  return float_from_bits(x > 0 ? bits_of_x - 1 : bits_of_x + 1);
}

}  // namespace

void random_normal(const RandomNormalArgs& args) {
  generate(args,
           [&](const Words& words) { return normal_numbers(words, args.mean, args.deviation); });
}

void random_uniform(const RandomUniformArgs& args) {
  const float low = args.low, high = args.high;
  const float largest = low < high ? next_below(high) : high;
  generate(args, [=](const Words& words) { return uniform_numbers(words, low, high, largest); });
}

}  // namespace hs::cpu::HS_ISA
