// Statistics of an arena of gradients. Each element, 4 bytes, is read once; the sums in double take
// about as much time as reading from memory.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpan = 16 << 10;
constexpr int64_t kMaxTiles = 256;

struct Sums {
  double sum, magnitude, squares;
  float minimum, maximum;
  int64_t finite;
};

// The sums of one span. Values that are not finite count as 0 in the sums, and are left out of
// minimum, maximum and count.
Sums run_span(const float* x, int64_t begin, int64_t end) {
  vw sum{}, magnitude{}, squares{};
  vf minimum = set1(__builtin_inff()), maximum = -minimum;
  vi finite{};  // minus the number of finite values
  for_vectors(begin, end, [&](int64_t i, auto lanes) {
    const vf value = keep(load(x + i, lanes), set1(__builtin_nanf("")), lanes);
    const vi is_finite = (bits(value) & 0x7fffffff) < 0x7f800000;
    const vf clean = is_finite ? value : vf{};
    minimum = min(is_finite ? value : minimum, minimum);
    maximum = max(is_finite ? value : maximum, maximum);
    finite += is_finite;
    const vw wide = __builtin_convertvector(clean, vw);
    sum += wide;
    magnitude += __builtin_convertvector(abs(clean), vw);
    squares += wide * wide;
  });
  int64_t count = 0;
  for (int lane = 0; lane < kLanes; lane++) count -= finite[lane];
  return {total_of(sum),       total_of(magnitude), total_of(squares),
          reduce_min(minimum), reduce_max(maximum), count};
}

}  // namespace

void gradient_statistics(const GradientStatisticsArgs& args) {
  int64_t span = (args.count + kMaxTiles - 1) / kMaxTiles;
  span = span < kSpan ? kSpan : (span + kSpan - 1) / kSpan * kSpan;
  Sums tiles[kMaxTiles];
  for_spans(args.count, span, 4 * kNsPerByte, [&](int64_t begin, int64_t end) {
    tiles[begin / span] = run_span(args.x, begin, end);
  });
  Sums all{0, 0, 0, __builtin_inff(), -__builtin_inff(), 0};
  for (int64_t begin = 0; begin < args.count; begin += span) {
    const Sums& tile = tiles[begin / span];
    all.sum += tile.sum;
    all.magnitude += tile.magnitude;
    all.squares += tile.squares;
    if (tile.minimum < all.minimum) all.minimum = tile.minimum;
    if (tile.maximum > all.maximum) all.maximum = tile.maximum;
    all.finite += tile.finite;
  }
  hs_statistics& out = *args.statistics;
  out = {};
  out.count = all.finite;
  out.nonfinite = args.count - all.finite;
  if (all.finite == 0) return;
  const double n = static_cast<double>(all.finite);
  const double factor =
      args.state != nullptr ? static_cast<double>(args.state->multiplier) : 1.0;  // not negative
  const double mean = all.sum / n, variance = all.squares / n - mean * mean;
  out.mean = factor * mean;
  out.mean_magnitude = factor * all.magnitude / n;
  out.deviation = variance > 0 ? factor * __builtin_sqrt(variance) : 0;
  out.minimum = factor * static_cast<double>(all.minimum);
  out.maximum = factor * static_cast<double>(all.maximum);
  out.norm = factor * __builtin_sqrt(all.squares);
}

}  // namespace hs::cpu::HS_ISA
