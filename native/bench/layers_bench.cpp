// Rows for the layers' kernels: normalisation, softmax, dropout, embedding, and the statistics of
// gradients. `bytes` are those that must pass through memory: batch normalisation reads its input
// twice.
#include <cstring>

#include "bench.h"

using namespace hs;
using namespace hs::bench;

namespace {

using Floats = std::shared_ptr<float[]>;

double bytes(int64_t count, double each) { return static_cast<double>(count) * each; }

std::string name_of(const char* what, std::initializer_list<int64_t> extents) {
  std::string name = what;
  for (const int64_t extent : extents) {
    if (name.back() != ' ') name += name == what ? ' ' : 'x';
    name += std::to_string(extent);
  }
  return name;
}

std::shared_ptr<hs_step_state> fresh_state() {
  auto state = std::make_shared<hs_step_state>();
  state->loss_scale = state->multiplier = 1;
  return state;
}

// Adds rows for forward, backward and both, each if the filter selects its name.
struct Passes {
  std::string forward_name, backward_name, both_name;
  double forward_bytes, backward_bytes;
  std::function<void()> forward, backward;
};
void add_passes(Rows& rows, const Passes& p) {
  rows.add({p.forward_name, 0, p.forward_bytes, p.forward, {}});
  rows.add({p.backward_name, 0, p.backward_bytes, p.backward, {}});
  rows.add({p.both_name,
            0,
            p.forward_bytes + p.backward_bytes,
            [forward = p.forward, backward = p.backward] {
              forward();
              backward();
            },
            {}});
}

void add_batch_norm(Rows& rows, int64_t n, int64_t channels, int64_t size, bool relu) {
  const std::string shape = name_of(relu ? " relu" : "", {n, channels, size, size});
  const Passes names{
      "batch_norm" + shape, "batch_norm backward" + shape, "batch_norm both" + shape, 0, 0, {}, {}};
  if (!rows.wants(names.forward_name) && !rows.wants(names.backward_name) &&
      !rows.wants(names.both_name)) {
    return;
  }
  const int64_t count = n * channels * size * size;
  const Floats x = normal_floats(count), y = normal_floats(count), dy = normal_floats(count);
  const Floats dx = normal_floats(count), p = normal_floats(8 * channels);
  const auto at = [&](int64_t i) { return p.get() + i * channels; };
  const hs_batch_norm_desc desc{HS_F32, n * size * size,         channels, 1e-5f,
                                0.1f,   relu ? HS_RELU : HS_NONE};
  const BatchNormTrainingArgs forward{desc,    x.get(), at(0), at(1), nullptr,
                                      y.get(), at(2),   at(3), at(4), at(5)};
  const BatchNormBackwardArgs backward{desc,    dy.get(), x.get(), relu ? y.get() : nullptr,
                                       at(0),   at(4),    at(5),   dx.get(),
                                       nullptr, at(6),    at(7),   0};
  Passes passes = names;
  passes.forward_bytes = bytes(count, 12);
  passes.backward_bytes = bytes(count, relu ? 28 : 20);
  passes.forward = [=] {
    (void)x, (void)y, (void)p;
    kernels().batch_norm_training(nullptr, forward);
  };
  passes.backward = [=] {
    (void)x, (void)y, (void)p, (void)dy, (void)dx;
    kernels().batch_norm_backward(nullptr, backward);
  };
  add_passes(rows, passes);
}

void add_layer_norm(Rows& rows, int64_t n, int64_t channels) {
  const std::string shape = name_of("", {n, channels});
  const Passes names{"layer_norm " + shape,
                     "layer_norm backward " + shape,
                     "layer_norm both " + shape,
                     0,
                     0,
                     {},
                     {}};
  if (!rows.wants(names.forward_name) && !rows.wants(names.backward_name) &&
      !rows.wants(names.both_name)) {
    return;
  }
  const int64_t count = n * channels;
  const Floats x = normal_floats(count), y = normal_floats(count), dy = normal_floats(count);
  const Floats dx = normal_floats(count), p = normal_floats(4 * channels);
  const Floats saved = normal_floats(2 * n);
  const hs_group_norm_desc desc{HS_F32, n, 1, channels, 1, 1e-5f};
  const GroupNormArgs forward{desc,    x.get(),     p.get(),        p.get() + channels,
                              y.get(), saved.get(), saved.get() + n};
  const GroupNormBackwardArgs backward{desc,
                                       dy.get(),
                                       x.get(),
                                       p.get(),
                                       saved.get(),
                                       saved.get() + n,
                                       dx.get(),
                                       p.get() + 2 * channels,
                                       p.get() + 3 * channels,
                                       0};
  Passes passes = names;
  passes.forward_bytes = bytes(count, 8);
  passes.backward_bytes = bytes(count, 12);
  passes.forward = [=] {
    (void)y, (void)p, (void)saved;
    kernels().group_norm(nullptr, forward);
  };
  passes.backward = [=] {
    (void)x, (void)dy, (void)dx;
    kernels().group_norm_backward(nullptr, backward);
  };
  add_passes(rows, passes);
}

void add_softmax(Rows& rows, int64_t n, int64_t columns) {
  const std::string name = name_of("softmax", {n, columns});
  const std::string backward_name = name_of("softmax backward", {n, columns});
  if (!rows.wants(name) && !rows.wants(backward_name)) return;
  const Floats x = normal_floats(n * columns), y = normal_floats(n * columns);
  const Floats dx = normal_floats(n * columns);
  const hs_softmax_desc desc{HS_F32, n, columns, 0.125f, 0, 0, 0};
  const SoftmaxArgs forward{desc, x.get(), y.get(), nullptr};
  const SoftmaxBackwardArgs backward{desc, x.get(), y.get(), dx.get()};
  rows.add({name,
            0,
            bytes(n * columns, 8),
            [forward, x, y] { kernels().softmax(nullptr, forward); },
            {}});
  rows.add({backward_name,
            0,
            bytes(n * columns, 12),
            [backward, x, y, dx] { kernels().softmax_backward(nullptr, backward); },
            {}});
}

void add_dropout(Rows& rows, int64_t count) {
  const std::string name = name_of("dropout", {count});
  if (!rows.wants(name)) return;
  const Floats x = normal_floats(count), y = normal_floats(count);
  const auto state = fresh_state();
  const DropoutArgs args{HS_F32, count, 0.1f, 1, 2, state.get(), x.get(), y.get()};
  rows.add(
      {name, 0, bytes(count, 8), [args, x, y, state] { kernels().dropout(nullptr, args); }, {}});
}

void add_embedding_backward(Rows& rows, int64_t vocabulary, int64_t width, int64_t count) {
  const std::string name = name_of("embedding backward", {vocabulary, width, count});
  if (!rows.wants(name)) return;
  const Floats dy = normal_floats(count * width), d_table = normal_floats(vocabulary * width);
  auto tokens = std::make_shared<std::vector<int32_t>>();
  for (int64_t i = 0; i < count; ++i) {
    tokens->push_back(static_cast<int32_t>(i * i % 1000003 % vocabulary));
  }
  auto workspace =
      std::make_shared<std::vector<int32_t>>(static_cast<size_t>(vocabulary + 1 + count));
  const EmbeddingBackwardArgs args{HS_F32, vocabulary,    width,
                                   count,  dy.get(),      tokens->data(),
                                   0,      d_table.get(), workspace->data()};
  rows.add({name,
            0,
            bytes(vocabulary * width, 4) + bytes(count * width, 4),
            [args, dy, d_table, tokens, workspace] { kernels().embedding_backward(nullptr, args); },
            {}});
}

void add_statistics(Rows& rows, int64_t count) {
  const std::string name = name_of("gradient_statistics", {count});
  if (!rows.wants(name)) return;
  const Floats x = normal_floats(count);
  auto out = std::make_shared<hs_statistics>();
  const GradientStatisticsArgs args{count, x.get(), nullptr, out.get()};
  rows.add({name,
            0,
            bytes(count, 4),
            [args, x, out] { kernels().gradient_statistics(nullptr, args); },
            {}});
}

}  // namespace

BENCHMARKS(layers) {
  add_batch_norm(rows, 64, 64, 28, false);
  add_batch_norm(rows, 64, 64, 28, true);
  add_batch_norm(rows, 64, 512, 7, false);
  add_layer_norm(rows, 8192, 768);
  add_layer_norm(rows, 512, 768);
  add_softmax(rows, 12288, 1024);
  add_softmax(rows, 4096, 64);
  add_dropout(rows, 1 << 24);
  add_dropout(rows, 1 << 16);
  add_embedding_backward(rows, 50257, 768, 8192);
  add_embedding_backward(rows, 1000, 64, 4096);
  add_statistics(rows, 1 << 24);
}
