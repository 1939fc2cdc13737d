// Dropout (Srivastava et al., 2014), inverted: kept elements are scaled during training, so that
// evaluation has nothing to do. No mask is stored: the backward pass draws the same bits again. An
// F32 element moves 8 bytes and takes a quarter of a Philox evaluation; on two cores both take
// about the same time.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/philox.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpan = 16 << 10;
constexpr double kNsPerElement = 1;

// Values that all elements have in common.
struct Problem {
  uint64_t seed, sequence;
  uint32_t threshold;  // an element whose word is below it is dropped
  float scale;
};

Problem make_problem(const DropoutArgs& args) {
  const double rate = static_cast<double>(args.rate);
  const uint64_t micro_step = static_cast<uint64_t>(args.state->micro_step);
  return {args.seed, micro_step << 32 | args.operation, static_cast<uint32_t>(rate * 0x1p32),
          static_cast<float>(1.0 / (1.0 - rate))};
}

// The factors (scale or 0) of the elements index ... index + kPhiloxBlock - 1; index is a multiple
// of 4.
HS_INLINE Numbers factors(const Problem& p, int64_t index) {
  const Words words = philox_block(static_cast<uint64_t>(index / 4), p.sequence, p.seed);
  Numbers n;
  for (int w = 0; w < 4; w++) {
    n.word[w] = words.word[w] < set1_word(p.threshold) ? vf{} : set1(p.scale);
  }
  return interleave(n);
}

// A dropped element becomes 0 even if x is not finite.
HS_INLINE vf apply(vf x, vf factor) { return factor > 0.0f ? x * factor : vf{}; }

template <class T>
void run_span(const Problem& p, const T* x, T* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += kPhiloxBlock) {
    const Numbers n = factors(p, i);
    for (int w = 0; w < 4; w++) {
      const int64_t at = i + w * kLanes;
      if (at + kLanes <= end) {
        store(y + at, apply(load(x + at), n.word[w]));
      } else {
        const Mask rest = first_lanes(end - at);
        store(y + at, apply(load(x + at, rest), n.word[w]), rest);
      }
    }
  }
}

}  // namespace

void dropout(const DropoutArgs& args) {
  const Problem problem = make_problem(args);
  with_storage(args.type, [&](auto type) {
    using T = typename decltype(type)::type;
    for_spans(args.count, kSpan, kNsPerElement, [&](int64_t begin, int64_t end) {
      run_span(problem, static_cast<const T*>(args.x), static_cast<T*>(args.y), begin, end);
    });
  });
}

}  // namespace hs::cpu::HS_ISA
