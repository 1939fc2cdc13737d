// One training step of the MNIST network: convolution with 32 filters of 3 x 3, 2 x 2 max pooling,
// ReLU, convolution with 64 filters, max pooling, ReLU, 3136-128-10, with Adam, as the command list
// that the training layer records.
#include "bench.h"

using namespace hs;
using namespace hs::bench;

namespace {

constexpr int64_t kSamples = 1024, kSide = 28, kPixels = kSide * kSide;
constexpr int64_t kFilters1 = 32, kFilters2 = 64, kFlat = 7 * 7 * kFilters2, kHidden = 128;
constexpr int64_t kClasses = 10;

// The array of parameters holds the weights and the bias of each layer, one layer after the other.
struct Cnn {
  static constexpr int64_t kBias1 = kFilters1 * 9, kWeight2 = kBias1 + kFilters1;
  static constexpr int64_t kBias2 = kWeight2 + kFilters2 * 9 * kFilters1;
  static constexpr int64_t kWeight3 = kBias2 + kFilters2, kBias3 = kWeight3 + kHidden * kFlat;
  static constexpr int64_t kWeight4 = kBias3 + kHidden, kBias4 = kWeight4 + kClasses * kHidden;
  static constexpr int64_t kCount = kBias4 + kClasses;

  // A convolution, then max pooling and ReLU of its output.
  struct Block {
    hs_conv2d_desc conv;
    hs_pool2d_desc pool;
    int64_t weight, bias, outputs;
    std::shared_ptr<float[]> z, y, dy, dz;
    std::vector<uint8_t> index;

    Block(int64_t batch, int64_t side, int64_t c, int64_t k, int64_t at, int64_t bias_at)
        : conv{HS_F32, batch, side, side, c, k, 3, 3, 1, 1, 1, 1, 1, 1, 1, HS_NONE},
          pool{HS_MAX_POOL, HS_F32, batch, side, side, k, 2, 2, 2, 2, 0, 0},
          weight(at),
          bias(bias_at),
          outputs(batch * side * side * k / 4),
          z(normal_floats(4 * outputs)),
          y(normal_floats(outputs)),
          dy(normal_floats(outputs)),
          dz(normal_floats(4 * outputs)),
          index(static_cast<size_t>(outputs)) {}

    void forward(const float* x, const float* parameters) {
      kernels().conv2d(nullptr,
                       {conv, x, parameters + weight, parameters + bias, nullptr, z.get()});
      kernels().pool2d(nullptr, {pool, z.get(), y.get(), index.data()});
      kernels().activation_forward(nullptr, {HS_RELU, HS_F32, outputs, y.get(), y.get()});
    }
    void backward(const float* x, float* gradients) {
      kernels().activation_backward(nullptr,
                                    {HS_RELU, HS_F32, outputs, dy.get(), y.get(), dy.get()});
      kernels().pool2d_backward(nullptr, {pool, dy.get(), index.data(), dz.get()});
      kernels().conv2d_backward_weights(
          nullptr, {conv, x, dz.get(), 0, gradients + weight, gradients + bias});
    }
  };

  int64_t batch;
  Block block1, block2;
  std::shared_ptr<float[]> data, x, hidden, d_hidden, logits, d_logits;
  std::shared_ptr<float[]> parameters, gradients, moment1, moment2;
  std::vector<int32_t> order, data_labels, labels;
  hs_step_state state{};
  hs_step_record record{};

  explicit Cnn(int64_t rows)
      : batch(rows),
        block1(rows, kSide, 1, kFilters1, 0, kBias1),
        block2(rows, kSide / 2, kFilters1, kFilters2, kWeight2, kBias2),
        data(normal_floats(kSamples * kPixels)),
        x(normal_floats(rows * kPixels)),
        hidden(normal_floats(rows * kHidden)),
        d_hidden(normal_floats(rows * kHidden)),
        logits(normal_floats(rows * kClasses)),
        d_logits(normal_floats(rows * kClasses)),
        parameters(normal_floats(kCount)),
        gradients(normal_floats(kCount)),
        moment1(normal_floats(kCount)),
        moment2(normal_floats(kCount)),
        order(kSamples),
        data_labels(kSamples),
        labels(static_cast<size_t>(rows)) {
    for (int64_t i = 0; i < kCount; ++i) {
      parameters[i] *= 0.03f;
      moment1[i] = moment2[i] = 0;
    }
    for (size_t i = 0; i < kSamples; ++i) {
      order[i] = static_cast<int32_t>(i * 389 % kSamples);
      data_labels[i] = static_cast<int32_t>(i % 7);
    }
    state.loss_scale = 1;
  }

  void gather(hs_dtype type, const void* src, int64_t width, void* dst) {
    const hs_gather_desc d{type, type, kSamples, width, batch, kSamples, width};
    kernels().gather(nullptr, {d, src, order.data(), &state, nullptr, nullptr, dst});
  }

  // y = x W^T + b
  void forward(const float* in, int64_t from, int64_t to, int64_t weight, int64_t bias,
               hs_activation activation, float* out) {
    const hs_matmul_desc d{HS_F32, HS_F32, 0, 1, 1, batch, to, from,       from,
                           from,   to,     0, 0, 0, 1,     0,  activation, 0};
    kernels().matmul(nullptr, {d, in, parameters.get() + weight, out, parameters.get() + bias,
                               nullptr, nullptr});
  }

  // dW = dY^T X, db = the column sums of dY, dX = dY W
  void backward(const float* dy, int64_t to, const float* in, int64_t from, int64_t weight,
                int64_t bias, float* dx) {
    const hs_matmul_desc dw{HS_F32, HS_F32, 1, 0, 1, to, from, batch,   to,
                            from,   from,   0, 0, 0, 1,  0,    HS_NONE, 0};
    kernels().matmul(
        nullptr, {dw, dy, in, gradients.get() + weight, nullptr, nullptr, gradients.get() + bias});
    const hs_matmul_desc d{HS_F32, HS_F32, 0, 0, 1, batch, from, to,      to,
                           from,   from,   0, 0, 0, 1,     0,    HS_NONE, 0};
    kernels().matmul(nullptr, {d, dy, parameters.get() + weight, dx, nullptr, nullptr, nullptr});
  }

  void step() {
    gather(HS_F32, data.get(), kPixels, x.get());
    gather(HS_I32, data_labels.data(), 1, labels.data());
    block1.forward(x.get(), parameters.get());
    block2.forward(block1.y.get(), parameters.get());
    forward(block2.y.get(), kFlat, kHidden, kWeight3, kBias3, HS_RELU, hidden.get());
    forward(hidden.get(), kHidden, kClasses, kWeight4, kBias4, HS_NONE, logits.get());
    const float seed = 1.0f / static_cast<float>(batch);
    kernels().cross_entropy(nullptr, {{HS_F32, batch, kClasses, 0, -1, seed},
                                      logits.get(),
                                      labels.data(),
                                      nullptr,
                                      &state,
                                      d_logits.get(),
                                      nullptr});
    backward(d_logits.get(), kClasses, hidden.get(), kHidden, kWeight4, kBias4, d_hidden.get());
    kernels().activation_backward(
        nullptr, {HS_RELU, HS_F32, batch * kHidden, d_hidden.get(), hidden.get(), d_hidden.get()});
    backward(d_hidden.get(), kHidden, block2.y.get(), kFlat, kWeight3, kBias3, block2.dy.get());
    block2.backward(block1.y.get(), gradients.get());
    kernels().conv2d_backward_data(
        nullptr, {block2.conv, block2.dz.get(), parameters.get() + kWeight2, 0, block1.dy.get()});
    block1.backward(x.get(), gradients.get());
    hs_optimizer_desc adam{};
    adam.rule = HS_ADAM;
    adam.learning_rate = 1e-4f;
    adam.momentum = 0.9f;
    adam.beta2 = 0.999f;
    adam.eps = 1e-8f;
    adam.weight_units = static_cast<float>(batch);
    kernels().optimizer_step(
        nullptr, {adam, kCount, parameters.get(), gradients.get(), moment1.get(), moment2.get(),
                  nullptr, &state, nullptr, nullptr, 0, nullptr});
    kernels().micro_step_end(nullptr, {&state, batch});
    kernels().step_end(nullptr, {&state, nullptr, {}, false, &record, 1});
  }
};

}  // namespace

BENCHMARKS(cnn) {
  for (int64_t batch : {1, 8, 64, 256}) {
    const std::string name = "step mnist cnn B = " + std::to_string(batch);
    if (!rows.wants(name)) continue;
    const auto cnn = std::make_shared<Cnn>(batch);
    const double multiplies =
        static_cast<double>(batch) *
        (2.0 * kPixels * kFilters1 * 9 + 3.0 * kPixels / 4 * kFilters2 * 9 * kFilters1 +
         3.0 * kFlat * kHidden + 3.0 * kHidden * kClasses);
    rows.add({name, 2 * multiplies, 0, [cnn] { cnn->step(); }, {}});
  }
}
