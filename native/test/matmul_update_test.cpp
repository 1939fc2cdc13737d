// A product that computes gradients, followed by the optimizer step: recorded together, the two may
// run as one kernel, with the same bits as one after the other.
#include <cstring>

#include "device.h"

using namespace hs::test;

namespace {

constexpr int64_t kBefore = 16, kBehind = 112;  // parameters on both sides of the weights

struct Case {
  int64_t m, n, k;
  hs_rule rule;
  float beta;
  bool bias_grad, segments, reads_parameters;
};

struct Result {
  std::vector<float> parameters, gradients, moment1, moment2;
  int64_t calls;

  bool same_bits(const Result& other) const {
    const auto same = [](const std::vector<float>& x, const std::vector<float>& y) {
      return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * 4) == 0;
    };
    return same(parameters, other.parameters) && same(gradients, other.gradients) &&
           same(moment1, other.moment1) && same(moment2, other.moment2);
  }
};

std::vector<float> values(int64_t count, int step) {
  std::vector<float> x(static_cast<size_t>(count));
  for (size_t i = 0; i < x.size(); i++) {
    x[i] = static_cast<float>(static_cast<int>(i) * step % 41 - 20) / 16;
  }
  return x;
}

// Two steps with C = op(A) * B between kBefore and kBehind further gradients.
Result run(Device& device, const Case& c, bool recorded) {
  const int64_t count = kBefore + c.m * c.n + kBehind;
  Array<float> parameters(device, values(count, 7)), gradients(device, values(count, 11));
  const std::vector<float> zeros(static_cast<size_t>(count), 0.0f);
  Array<float> moment1(device, zeros), moment2(device, zeros);
  Array<float> a(device, values(c.m * c.k, 13)), b(device, values(c.n * c.k, 5));
  hs_step_state fresh{};
  fresh.loss_scale = 1;
  fresh.weight = 3;
  Array<hs_step_state> state(device, std::vector{fresh});
  const hs_segment parts[] = {{0, kBefore, 0.5f, 0, 1},
                              {kBefore, c.m * c.n - 16, 0.25f, 0, 0.375f},
                              {kBefore + c.m * c.n - 16, 16, 0, HS_SEGMENT_FROZEN, 1},
                              {kBefore + c.m * c.n, kBehind, 0, 0, 0}};
  Array<hs_segment> segments(device, {parts[0], parts[1], parts[2], parts[3]});

  hs_matmul_desc product{};
  product.transpose_a = 1;
  product.batch = 1;
  product.m = product.lda = c.m;
  product.n = product.ldb = product.ldc = c.n;
  product.k = c.k;
  product.alpha = 1;
  product.beta = c.beta;
  hs_optimizer_desc step{};
  step.rule = c.rule;
  step.beta2 = 0.999f;
  step.eps = 1e-8f;
  step.learning_rate = 0.125f;
  step.momentum = c.rule == HS_SGD ? 0 : 0.9f;
  step.weight_decay = 0.125f;
  step.weight_units = 2;
  const auto calls = [&] {
    CHECK_OK(hs_matmul(device.stream(), &product, a.address(),
                       c.reads_parameters ? parameters.address() : b.address(),
                       gradients.address() + kBefore * 4, 0, 0,
                       c.bias_grad ? gradients.address() + (kBefore + c.m * c.n) * 4 : 0));
    CHECK_OK(hs_optimizer_step(device.stream(), &step, count, parameters.address(),
                               gradients.address(), c.rule == HS_SGD ? 0 : moment1.address(),
                               c.rule == HS_SGD ? 0 : moment2.address(), 0, state.address(), 0,
                               c.segments ? segments.address() : 0, c.segments ? 4 : 0, 0));
  };
  Result result{};
  if (recorded) {
    hs_list list = nullptr;
    CHECK_OK(hs_capture_begin(device.stream()));
    calls();
    CHECK_OK(hs_capture_end(device.stream(), &list));
    CHECK_OK(hs_list_size(list, &result.calls));
    CHECK_OK(hs_list_launch(device.stream(), list, 2));
  } else {
    calls();
    calls();
  }
  result.parameters = parameters.get();
  result.gradients = gradients.get();
  result.moment1 = moment1.get();
  result.moment2 = moment2.get();
  return result;
}

void compare(const Case& c) {
  on_devices([&](Device& device) {
    if (is_left_out(device, static_cast<size_t>(c.m * c.n * c.k))) return;
    const Result direct = run(device, c, false), recorded = run(device, c, true);
    const std::string name = std::to_string(c.m) + "x" + std::to_string(c.n) + "x" +
                             std::to_string(c.k) + " rule " + std::to_string(c.rule);
    CHECK_THAT(recorded.same_bits(direct), name);
    CHECK_THAT(recorded.calls == 2, name);
    CHECK_THAT(direct.parameters != values(kBefore + c.m * c.n + kBehind, 7), name);
  });
}

}  // namespace

TEST(a_recorded_update_is_that_of_two_calls) {
  for (int64_t k : {1, 2, 5, 8, 64, 300}) {
    compare({33, 130, k, HS_SGD, 0, true, false, false});
  }
  compare({100, 1000, 1, HS_SGD, 0, true, false, false});
  compare({100, 1000, 8, HS_SGD, 0, true, false, false});
  compare({20, 16, 3, HS_SGD, 0, false, false, false});
  compare({1, 16, 7, HS_SGD, 0, true, false, false});
}

TEST(every_rule_and_every_segment_is_updated_behind_a_product) {
  for (hs_rule rule : {HS_SGD, HS_ADAMW, HS_ADAM}) {
    for (bool segments : {false, true}) compare({17, 112, 9, rule, 0, true, segments, false});
  }
}

TEST(gradients_that_accumulate_are_updated_behind_a_product) {
  compare({17, 112, 9, HS_SGD, 1, true, false, false});
}

TEST(a_product_that_reads_parameters_sees_them_as_they_were) {
  compare({40, 112, 10, HS_SGD, 0, true, false, true});
}

KERNEL_TEST_MAIN()
