// gradient_statistics: mean, deviation, extremes and norm of an arena of gradients, and the number
// of values that are not finite.
//
// Bytes: 4 read per element. FLOPs: four in FP64 and six others per element. Floor: bytes /
// bandwidth. Design: each thread handles eight elements in 16-byte accesses. Sums are in double;
// the functions of reduce.h merge them over the grid, and the last block writes the result. Not yet
// measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/reduce.h"

namespace hs::cuda {
namespace {

struct Statistics {
  double sum, magnitude, squares;
  float minimum, maximum;
  std::int64_t finite;
};

struct MergeStatistics {
  HS_DEVICE static Statistics identity() {
    return {0, 0, 0, __builtin_huge_valf(), -__builtin_huge_valf(), 0};
  }
  HS_DEVICE Statistics operator()(const Statistics& a, const Statistics& b) const {
    return {a.sum + b.sum,
            a.magnitude + b.magnitude,
            a.squares + b.squares,
            fminf(a.minimum, b.minimum),
            fmaxf(a.maximum, b.maximum),
            a.finite + b.finite};
  }
};

struct Shared {
  BlockScratch<Statistics> scratch;
  unsigned last;
};

// Computes the result for the values times `factor`, which is not negative, from `s`, the
// statistics of the values without the factor.
HS_DEVICE hs_statistics finish(const Statistics& s, std::int64_t count, double factor) {
  hs_statistics out{};
  out.count = s.finite;
  out.nonfinite = count - s.finite;
  if (s.finite == 0) return out;
  double n = static_cast<double>(s.finite), mean = s.sum / n;
  double variance = s.squares / n - mean * mean;
  out.mean = factor * mean;
  out.mean_magnitude = factor * s.magnitude / n;
  out.deviation = variance > 0 ? factor * sqrt(variance) : 0;
  out.minimum = factor * static_cast<double>(s.minimum);
  out.maximum = factor * static_cast<double>(s.maximum);
  out.norm = factor * sqrt(s.squares);
  return out;
}

template <int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads)
    collect_statistics(const GradientStatisticsArgs args, void* workspace) {
  Shared& shared = shared_memory<Shared>();
  Statistics all = MergeStatistics::identity();
  for_chunks<kCount>(args.count, [&](std::int64_t i, auto n) {
    float x[n.value];
    load_elements(args.x + i, x);
    HS_UNROLL for (float v : x) {
      if (v - v != 0) continue;  // not finite
      double wide = v;
      all = MergeStatistics{}(all, {wide, fabs(wide), wide * wide, v, v, 1});
    }
  });
  all = block_reduce<kElementwiseThreads>(all, MergeStatistics{}, shared.scratch);
  if (!grid_reduce<kElementwiseThreads>(&all, MergeStatistics{}, workspace, shared.scratch,
                                        shared.last)) {
    return;
  }
  if (threadIdx.x == 0) {
    double factor = args.state != nullptr ? args.state->multiplier : 1.0;
    *args.statistics = finish(all, args.count, factor);
  }
}

}  // namespace

hs_status gradient_statistics(void* stream_of_call, const GradientStatisticsArgs& args) {
  const Stream& stream = as_stream(stream_of_call);
  LaunchShape shape = elementwise_shape("collect_statistics", stream, args.count, kChunk);
  shape.shared_bytes = sizeof(Shared);
  void* workspace = nullptr;
  hs_status status = reserve_workspace(stream, shape.grid.x * sizeof(Statistics), &workspace);
  if (status != HS_OK) return status;
  return launch(stream, shape, aligned(args.x) ? collect_statistics<kChunk> : collect_statistics<1>,
                args, workspace);
}

}  // namespace hs::cuda
