// Rows for kernels other than the matrix product. `bytes` are those that must pass through memory
// if the row's data does not fit in the caches.
#include <cstring>

#include "bench.h"

using namespace hs;
using namespace hs::bench;

namespace {

using Floats = std::shared_ptr<float[]>;

double bytes(int64_t count, double each) { return static_cast<double>(count) * each; }

std::string name_of(const char* what, int64_t rows, int64_t columns) {
  char text[80];
  std::snprintf(text, sizeof text, "%s %lldx%lld", what, static_cast<long long>(rows),
                static_cast<long long>(columns));
  return text;
}

std::string name_of(const char* what, int64_t count) {
  char text[80];
  std::snprintf(text, sizeof text, "%s %lld", what, static_cast<long long>(count));
  return text;
}

// Integers spread over [0, below).
std::shared_ptr<int32_t[]> indices(int64_t count, int64_t below) {
  std::shared_ptr<int32_t[]> values(new int32_t[static_cast<size_t>(count)]);
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<int32_t>(i * 7919 % below);
  return values;
}

std::shared_ptr<hs_step_state> fresh_state() {
  auto state = std::make_shared<hs_step_state>();
  state->loss_scale = 1;
  state->weight = 1;
  return state;
}

void add_cross_entropy(Rows& rows, int64_t batch, int64_t classes, bool in_place) {
  const std::string name = name_of("cross_entropy", batch, classes) + (in_place ? " in place" : "");
  if (!rows.wants(name)) return;
  const Floats x = normal_floats(batch * classes);
  const Floats gradient = in_place ? x : normal_floats(batch * classes);
  const auto labels = indices(batch, classes);
  const auto state = fresh_state();
  const CrossEntropyArgs args{{HS_F32, batch, classes, 0, -1, 1},
                              x.get(),
                              labels.get(),
                              nullptr,
                              state.get(),
                              gradient.get(),
                              nullptr};
  rows.add({name,
            0,
            bytes(batch * classes, 8),
            [args, x, gradient, labels, state] { kernels().cross_entropy(nullptr, args); },
            {}});
}

void add_optimizer(Rows& rows, const char* what, hs_rule rule, float momentum, int64_t count) {
  const std::string name = name_of(what, count);
  if (!rows.wants(name)) return;
  const bool adam = rule == HS_ADAMW;
  const Floats p = normal_floats(count), g = normal_floats(count), none;
  const Floats m = adam || momentum > 0 ? normal_floats(count) : none;
  const Floats v = adam ? normal_floats(count) : none;
  if (adam) {
    for (int64_t i = 0; i < count; ++i) v[i] *= v[i];
  }
  const auto state = fresh_state();
  hs_optimizer_desc desc{};
  desc.rule = rule;
  desc.beta2 = 0.999f;
  desc.eps = 1e-8f;
  desc.learning_rate = 1e-6f;
  desc.momentum = momentum;
  desc.weight_decay = 0.01f;
  desc.weight_units = 1;
  desc.copy_type = HS_F32;
  const OptimizerStepArgs args{desc,    count,       p.get(), g.get(), m.get(), v.get(),
                               nullptr, state.get(), nullptr, nullptr, 0,       nullptr};
  rows.add({name,
            0,
            bytes(count, adam           ? 28
                         : momentum > 0 ? 20
                                        : 12),
            [args, p, g, m, v, state] { kernels().optimizer_step(nullptr, args); },
            {}});
}

void add_gradient_check(Rows& rows, int64_t count) {
  const std::string name = name_of("gradient_check", count);
  if (!rows.wants(name)) return;
  const Floats g = normal_floats(count);
  const auto state = fresh_state();
  const GradientCheckArgs args{count, g.get(), state.get(), 1, 1};
  rows.add({name,
            0,
            bytes(count, 4),
            [args, g, state] { kernels().gradient_check(nullptr, args); },
            {}});
}

// Gathers from 8,192 rows; each element has its own scale and shift.
void add_gather(Rows& rows, hs_dtype type, int64_t batch, int64_t width) {
  constexpr int64_t kRows = 8192;
  const std::string name = name_of(type == HS_U8 ? "gather U8" : "gather F32", batch, width);
  if (!rows.wants(name)) return;
  const Floats src = normal_floats(kRows * width), dst = normal_floats(batch * width);
  const Floats scale = normal_floats(width), shift = normal_floats(width);
  const auto order = indices(kRows, kRows);
  const GatherArgs args{{type, HS_F32, kRows, width, batch, kRows, width},
                        src.get(),
                        order.get(),
                        nullptr,
                        scale.get(),
                        shift.get(),
                        dst.get()};
  rows.add({name,
            0,
            bytes(batch * width, type == HS_U8 ? 5 : 8),
            [args, src, dst, scale, shift, order] { kernels().gather(nullptr, args); },
            {}});
}

void add_activation(Rows& rows, const char* what, hs_activation kind, int64_t count) {
  const Floats x = normal_floats(count), y = normal_floats(count), dx = normal_floats(count);
  const ActivationForwardArgs forward{kind, HS_F32, count, x.get(), y.get()};
  rows.add({name_of(what, count),
            0,
            bytes(count, 8),
            [forward, x, y] { kernels().activation_forward(nullptr, forward); },
            {}});
  const ActivationBackwardArgs backward{kind, HS_F32, count, x.get(), y.get(), dx.get()};
  rows.add({name_of((std::string(what) + " backward").c_str(), count),
            0,
            bytes(count, 12),
            [backward, x, y, dx] { kernels().activation_backward(nullptr, backward); },
            {}});
}

}  // namespace

BENCHMARKS(cross_entropy) {
  for (const auto& [batch, classes] : {std::pair<int64_t, int64_t>{64, 2},
                                       {1024, 2},
                                       {64, 10},
                                       {1024, 10},
                                       {64, 1000},
                                       {1024, 1000},
                                       {256, 50257}}) {
    add_cross_entropy(rows, batch, classes, false);
    add_cross_entropy(rows, batch, classes, true);
  }
}

BENCHMARKS(optimizer) {
  for (int64_t count : {1000, 100302, 235146, 100000000}) {
    add_optimizer(rows, "sgd", HS_SGD, 0, count);
    add_optimizer(rows, "sgd momentum", HS_SGD, 0.9f, count);
    add_optimizer(rows, "adamw", HS_ADAMW, 0.9f, count);
    add_gradient_check(rows, count);
  }
}

BENCHMARKS(gather) {
  for (int64_t batch : {1, 64, 1024}) {
    add_gather(rows, HS_F32, batch, 1000);
    add_gather(rows, HS_U8, batch, 784);
  }
}

BENCHMARKS(elementwise) {
  for (int64_t count : {6400, 1 << 18, 1 << 24}) {
    add_activation(rows, "relu", HS_RELU, count);
    add_activation(rows, "gelu", HS_GELU, count);
    add_activation(rows, "tanh", HS_TANH, count);
    const Floats a = normal_floats(count), b = normal_floats(count);
    const FillArgs fill{HS_F32, a.get(), count, 1};
    rows.add({name_of("fill F32", count),
              0,
              bytes(count, 4),
              [fill, a] { kernels().fill(nullptr, fill); },
              {}});
    const CopyArgs copy{a.get(), b.get(), static_cast<uint64_t>(count) * 4};
    rows.add({name_of("copy F32", count),
              0,
              bytes(count, 8),
              [copy, a, b] { kernels().copy(nullptr, copy); },
              {}});
    const CastArgs cast{HS_F32, a.get(), HS_BF16, b.get(), count};
    rows.add({name_of("cast F32 to BF16", count),
              0,
              bytes(count, 6),
              [cast, a, b] { kernels().cast(nullptr, cast); },
              {}});
    const RandomNormalArgs random{a.get(), count, 1, 2, 0, 1};
    rows.add({name_of("random_normal", count),
              0,
              bytes(count, 4),
              [random, a] { kernels().random_normal(nullptr, random); },
              {}});
    const RandomUniformArgs uniform{a.get(), count, 1, 2, 0, 1};
    rows.add({name_of("random_uniform", count),
              0,
              bytes(count, 4),
              [uniform, a] { kernels().random_uniform(nullptr, uniform); },
              {}});
  }
}
