// One training step of the batch-size study's network, 1000-100-2 with SGD, as the command list
// that the training layer records: gather, forward, loss, backward, update. There are 1,024
// samples, so an epoch is 1024 / batch such steps.
#include <cstring>

#include "bench.h"

using namespace hs;
using namespace hs::bench;

namespace {

constexpr int64_t kSamples = 1024, kFeatures = 1000, kHidden = 100, kClasses = 2;

// The arrays that a step reads and writes. The array of parameters holds the weights [out, in] and
// the biases of both layers, one after the other.
struct Mlp {
  int64_t batch;
  std::shared_ptr<float[]> data, x, hidden, d_hidden, logits, d_logits, parameters, gradients;
  std::shared_ptr<int32_t[]> order, data_labels, labels;
  hs_step_state state{};
  hs_step_record record{};

  static constexpr int64_t kBias1 = kHidden * kFeatures, kWeight2 = kBias1 + kHidden;
  static constexpr int64_t kBias2 = kWeight2 + kClasses * kHidden, kCount = kBias2 + kClasses;

  explicit Mlp(int64_t rows)
      : batch(rows),
        data(normal_floats(kSamples * kFeatures)),
        x(normal_floats(rows * kFeatures)),
        hidden(normal_floats(rows * kHidden)),
        d_hidden(normal_floats(rows * kHidden)),
        logits(normal_floats(rows * kClasses)),
        d_logits(normal_floats(rows * kClasses)),
        parameters(normal_floats(kCount)),
        gradients(normal_floats(kCount)),
        order(new int32_t[kSamples]),
        data_labels(new int32_t[kSamples]),
        labels(new int32_t[static_cast<size_t>(rows)]) {
    for (int64_t i = 0; i < kCount; ++i) parameters[i] *= 0.03f;
    for (int32_t i = 0; i < kSamples; ++i) {
      order[i] = i * 389 % kSamples;
      data_labels[i] = i % 7 % 2;
    }
    state.loss_scale = 1;
  }

  void gather(hs_dtype type, const void* src, int64_t width, void* dst) {
    const hs_gather_desc d{type, type, kSamples, width, batch, kSamples, width};
    kernels().gather(nullptr, {d, src, order.get(), &state, nullptr, nullptr, dst});
  }

  // y = x W^T + b
  void forward(const float* in, int64_t from, int64_t to, int64_t weight, int64_t bias,
               hs_activation activation, float* out) {
    const hs_matmul_desc d{HS_F32, HS_F32, 0, 1, 1, batch, to, from,       from,
                           from,   to,     0, 0, 0, 1,     0,  activation, 0};
    kernels().matmul(nullptr, {d, in, parameters.get() + weight, out, parameters.get() + bias,
                               nullptr, nullptr});
  }

  // dW = dY^T X, db = the column sums of dY
  void weight_gradient(const float* dy, int64_t to, const float* in, int64_t from, int64_t weight,
                       int64_t bias) {
    const hs_matmul_desc d{HS_F32, HS_F32, 1, 0, 1, to, from, batch,   to,
                           from,   from,   0, 0, 0, 1,  0,    HS_NONE, 0};
    kernels().matmul(
        nullptr, {d, dy, in, gradients.get() + weight, nullptr, nullptr, gradients.get() + bias});
  }

  void step() {
    gather(HS_F32, data.get(), kFeatures, x.get());
    gather(HS_I32, data_labels.get(), 1, labels.get());
    forward(x.get(), kFeatures, kHidden, 0, kBias1, HS_RELU, hidden.get());
    forward(hidden.get(), kHidden, kClasses, kWeight2, kBias2, HS_NONE, logits.get());
    const float seed = 1.0f / static_cast<float>(batch);
    kernels().cross_entropy(nullptr, {{HS_F32, batch, kClasses, 0, -1, seed},
                                      logits.get(),
                                      labels.get(),
                                      nullptr,
                                      &state,
                                      d_logits.get(),
                                      nullptr});
    weight_gradient(d_logits.get(), kClasses, hidden.get(), kHidden, kWeight2, kBias2);
    const hs_matmul_desc d{HS_F32,  HS_F32,  0, 0, 1, batch, kHidden, kClasses, kClasses,
                           kHidden, kHidden, 0, 0, 0, 1,     0,       HS_NONE,  0};
    kernels().matmul(nullptr, {d, d_logits.get(), parameters.get() + kWeight2, d_hidden.get(),
                               nullptr, nullptr, nullptr});
    kernels().activation_backward(
        nullptr, {HS_RELU, HS_F32, batch * kHidden, d_hidden.get(), hidden.get(), d_hidden.get()});
    const hs_matmul_desc d1{HS_F32,    HS_F32,    1, 0, 1, kHidden, kFeatures, batch,   kHidden,
                            kFeatures, kFeatures, 0, 0, 0, 1,       0,         HS_NONE, 0};
    hs_optimizer_desc sgd{};
    sgd.rule = HS_SGD;
    sgd.learning_rate = 1e-4f;
    sgd.weight_units = static_cast<float>(batch);
    kernels().matmul_update(nullptr, {{d1, d_hidden.get(), x.get(), gradients.get(), nullptr,
                                       nullptr, gradients.get() + kBias1},
                                      {sgd, kCount, parameters.get(), gradients.get(), nullptr,
                                       nullptr, nullptr, &state, nullptr, nullptr, 0, nullptr}});
    kernels().micro_step_end(nullptr, {&state, batch});
    kernels().step_end(nullptr, {&state, nullptr, {}, false, &record, 1});
  }
};

}  // namespace

BENCHMARKS(mlp) {
  for (int64_t batch : {1, 8, 16, 32, 64, 128, 256, 1024}) {
    const std::string name = "step 1000-100-2 B = " + std::to_string(batch);
    if (!rows.wants(name)) continue;
    const auto mlp = std::make_shared<Mlp>(batch);
    const double multiplies =
        static_cast<double>(batch) * (2.0 * kFeatures * kHidden + 3.0 * kHidden * kClasses);
    rows.add({name, 2 * multiplies, 0, [mlp] { mlp->step(); }, {}});
  }
}
