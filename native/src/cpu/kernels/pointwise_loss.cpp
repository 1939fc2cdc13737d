// Elementwise losses: squared error, binary cross-entropy with logits, and losses that were
// computed before. Loss and gradient are computed in one pass. Bound by memory if arrays are large:
// 12 bytes per F32 element; exp and log of the cross-entropy take about 40 instructions per vector.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"
#include "cpu/simd_math.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpan = 4 << 10;
constexpr int64_t kMaxTiles = 256;

struct Sums {
  double loss;
  int64_t correct;  // number of correct elements
};

// log(1 + e) for e in [0, 1], to full precision even if e is small: the factor e / ((1 + e) - 1)
// corrects the rounding of 1 + e (Kahan's method).
HS_INLINE vf log_one_plus(vf e) {
  const vf sum = 1.0f + e, back = sum - 1.0f;
  return back == 0.0f ? e : log(sum) * (e / back);
}

struct Term {
  vf loss, slope;
};

template <hs_loss kind>
HS_INLINE Term term_of(vf x, vf t) {
  if constexpr (kind == HS_MSE) {
    const vf d = x - t;
    return {d * d, 2.0f * d};
  } else if constexpr (kind == HS_GIVEN_LOSS) {
    return {x, set1(1.0f)};
  } else {
    // max(x, 0) - x t + log(1 + exp(-|x|)), and sigmoid(x) - t
    const vf e = exp(-abs(x));
    const vf positive = x < 0.0f ? vf{} : x;  // NaN stays NaN
    const vf sigmoid = (x < 0.0f ? e : set1(1.0f)) / (1.0f + e);
    return {positive - x * t + log_one_plus(e), sigmoid - t};
  }
}

template <hs_loss kind, class T>
Sums run_span(const PointwiseLossArgs& args, float factor, int64_t begin, int64_t end) {
  const T* const x = static_cast<const T*>(args.prediction);
  const float* const target = args.target;
  T* const gradient = static_cast<T*>(args.d_prediction);
  Sums sums{};
  for (int64_t from = begin; from < end; from += kSpan) {  // sums of kSpan elements are in float
    const int64_t to = from + kSpan < end ? from + kSpan : end;
    vf loss{};
    vi correct{};
    for_vectors(from, to, [&](int64_t i, auto lanes) {
      const vf p = load(x + i, lanes);
      vf t{};
      if constexpr (kind != HS_GIVEN_LOSS) t = load(target + i, lanes);
      const Term term = term_of<kind>(p, t);
      loss += keep(term.loss, vf{}, lanes);
      if constexpr (kind == HS_BCE_WITH_LOGITS) {
        const vi right = ~((p > 0.0f) ^ (t > 0.5f)) & (p == p);  // -1 where they agree
        correct -= reinterpret_cast<vi>(keep(reinterpret_cast<vf>(right), vf{}, lanes));
      }
      if (gradient != nullptr) store(gradient + i, factor * term.slope, lanes);
    });
    sums.loss += static_cast<double>(reduce_add(loss));
    for (int lane = 0; lane < kLanes; lane++) sums.correct += correct[lane];
  }
  return sums;
}

template <class T>
void run(const PointwiseLossArgs& args) {
  const float scale = args.state != nullptr ? args.state->loss_scale : 1.0f;
  const float factor = args.gradient_seed * scale;
  int64_t span = (args.count + kMaxTiles - 1) / kMaxTiles;
  span = span < kSpan ? kSpan : (span + kSpan - 1) / kSpan * kSpan;
  Sums tiles[kMaxTiles] = {};
  const auto body = args.loss == HS_MSE          ? run_span<HS_MSE, T>
                    : args.loss == HS_GIVEN_LOSS ? run_span<HS_GIVEN_LOSS, T>
                                                 : run_span<HS_BCE_WITH_LOGITS, T>;
  for_spans(args.count, span, 1.5, [&](int64_t begin, int64_t end) {
    tiles[begin / span] = body(args, factor, begin, end);
  });
  if (args.state == nullptr || args.count == 0) return;
  Sums total{};
  for (int64_t begin = 0; begin < args.count; begin += span) {
    total.loss += tiles[begin / span].loss;
    total.correct += tiles[begin / span].correct;
  }
  const double rows = static_cast<double>(args.rows), count = static_cast<double>(args.count);
  args.state->loss_sum += total.loss;
  args.state->weight += count;
  args.state->correct += static_cast<double>(total.correct) * rows / count;
  args.state->rows += rows;
}

}  // namespace

void pointwise_loss(const PointwiseLossArgs& args) {
  with_storage(args.type, [&](auto type) { run<typename decltype(type)::type>(args); });
}

}  // namespace hs::cpu::HS_ISA
