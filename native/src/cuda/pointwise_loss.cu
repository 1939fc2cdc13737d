// pointwise_loss: squared error, binary cross-entropy with logits, and losses that were computed
// before; loss and gradient in one pass.
//
// Bytes: for each element prediction and target are read and the gradient is written. FLOPs: about
// 50 for the cross-entropy. Floor: bytes / bandwidth. Design: each thread handles eight elements in
// 16-byte accesses. The functions of reduce.h sum the losses over the grid in double, and the last
// block adds them to the state. Not yet measured on a GPU.
#include "cuda/elementwise.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/reduce.h"

namespace hs::cuda {
namespace {

struct LossSums {
  double loss;
  std::int64_t correct;  // number of correct elements
  HS_DEVICE LossSums operator+(const LossSums& o) const {
    return {loss + o.loss, correct + o.correct};
  }
};

struct Shared {
  BlockScratch<LossSums> scratch;
  unsigned last;
};

struct Term {
  float loss, slope;
};

HS_DEVICE Term squared_error(float x, float t) {
  float distance = x - t;
  return {distance * distance, 2.0f * distance};
}

// max(x, 0) - x t + log(1 + exp(-|x|)), and sigmoid(x) - t.
HS_DEVICE Term cross_entropy_of(float x, float t) {
  float e = expf(-fabsf(x));
  float positive = x < 0.0f ? 0.0f : x;  // NaN stays NaN
  float sigmoid = (x < 0.0f ? e : 1.0f) / (1.0f + e);
  return {positive - x * t + log1pf(e), sigmoid - t};
}

// `row_share` is 1 / the number of elements in a row.
template <class T, int kCount>
HS_KERNEL void __launch_bounds__(kElementwiseThreads)
    compare(const PointwiseLossArgs args, double row_share, void* workspace) {
  Shared& shared = shared_memory<Shared>();
  auto* prediction = static_cast<const T*>(args.prediction);
  auto* gradient = static_cast<T*>(args.d_prediction);
  float factor = args.gradient_seed * (args.state != nullptr ? args.state->loss_scale : 1.0f);
  LossSums sums{};
  for_chunks<kCount>(args.count, [&](std::int64_t i, auto n) {
    float x[n.value], t[n.value] = {};
    load_elements(prediction + i, x);
    if (args.loss != HS_GIVEN_LOSS) load_elements(args.target + i, t);
    float loss = 0;
    int correct = 0;
    HS_UNROLL for (int e = 0; e < n.value; ++e) {
      Term term{x[e], 1.0f};  // HS_GIVEN_LOSS
      if (args.loss == HS_MSE) {
        term = squared_error(x[e], t[e]);
      } else if (args.loss == HS_BCE_WITH_LOGITS) {
        if ((x[e] > 0) == (t[e] > 0.5f) && x[e] == x[e]) ++correct;
        term = cross_entropy_of(x[e], t[e]);
      }
      loss += term.loss;
      x[e] = factor * term.slope;
    }
    sums = sums + LossSums{loss, correct};
    if (gradient != nullptr) store_elements(gradient + i, x);
  });
  if (args.state == nullptr) return;
  sums = block_reduce<kElementwiseThreads>(sums, Sum<LossSums>{}, shared.scratch);
  if (!grid_reduce<kElementwiseThreads>(&sums, Sum<LossSums>{}, workspace, shared.scratch,
                                        shared.last)) {
    return;
  }
  if (threadIdx.x == 0) {
    args.state->loss_sum += sums.loss;
    args.state->weight += static_cast<double>(args.count);
    args.state->correct += static_cast<double>(sums.correct) * row_share;
    args.state->rows += static_cast<double>(args.rows);
  }
}

}  // namespace

hs_status pointwise_loss(void* stream_of_call, const PointwiseLossArgs& args) {
  if (args.count == 0) return HS_OK;
  const Stream& stream = as_stream(stream_of_call);
  return with_storage(args.type, [&](auto element) {
    using T = decltype(element);
    bool chunks = aligned(args.prediction) && aligned(args.target) && aligned(args.d_prediction);
    LaunchShape shape =
        elementwise_shape("pointwise_loss", stream, args.count, chunks ? kChunk : 1);
    shape.shared_bytes = sizeof(Shared);
    void* workspace = nullptr;
    hs_status status = reserve_workspace(stream, shape.grid.x * sizeof(LossSums), &workspace);
    if (status != HS_OK) return status;
    double row_share = static_cast<double>(args.rows) / static_cast<double>(args.count);
    return launch(stream, shape, chunks ? compare<T, kChunk> : compare<T, 1>, args, row_share,
                  workspace);
  });
}

}  // namespace hs::cuda
