// Squared error, binary cross-entropy and given losses against their definitions in fp64.
#include "compare.h"

using namespace hs::test;

namespace {

constexpr hs_loss kLosses[] = {HS_MSE, HS_BCE_WITH_LOGITS, HS_GIVEN_LOSS};

double loss_of(hs_loss kind, double x, double t) {
  if (kind == HS_GIVEN_LOSS) return x;
  if (kind == HS_MSE) return (x - t) * (x - t);
  return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x)));
}

double gradient_of(hs_loss kind, double x, double t) {
  if (kind == HS_GIVEN_LOSS) return 1;
  return kind == HS_MSE ? 2 * (x - t) : 1 / (1 + std::exp(-x)) - t;
}

// Soft and hard targets, and predictions of all sizes.
std::vector<float> targets(size_t count) {
  std::vector<float> t(count);
  for (size_t i = 0; i < count; i++) t[i] = static_cast<float>(i % 5) / 4;
  return t;
}
std::vector<float> predictions(size_t count) {
  std::vector<float> x = normals(count, 1, 3);
  const float special[] = {0, 1e-6f, -1e-6f, 20, -20, 60, -60};
  for (size_t i = 0; i < count; i += 4) x[i] = special[i / 4 % std::size(special)];
  return x;
}

hs_step_state scaled_state(float scale) {
  hs_step_state state{};
  state.loss_scale = scale;
  state.loss_sum = 1;
  state.weight = 2;
  state.correct = 3;
  state.rows = 4;
  return state;
}

void check_loss(Device& device, hs_loss kind, hs_dtype type, size_t rows, size_t columns) {
  const size_t count = rows * columns;
  const size_t shift = rows % 2;
  StorageArray x(device, type, predictions(count), shift), dx(device, type, count, shift);
  Array<float> t(device, targets(count), shift);
  Array<hs_step_state> state(device, std::vector{scaled_state(8)});
  const auto call = [&](hs_ptr with_state, hs_ptr out) {
    CHECK_OK(hs_pointwise_loss(device.stream(), kind, type, static_cast<int64_t>(rows),
                               static_cast<int64_t>(count), 0.25f, x.address(),
                               kind == HS_GIVEN_LOSS ? 0 : t.address(), with_state, out));
  };
  call(state.address(), dx.address());
  const std::vector<float> xs = x.get(), ts = t.get();
  std::vector<Expected> gradients;
  double loss = 0, size = 0, correct = 0;
  for (size_t i = 0; i < count; i++) {
    const double slope = 2 * gradient_of(kind, xs[i], ts[i]);  // 2 = gradient seed 0.25 * scale 8
    const double terms =
        kind == HS_BCE_WITH_LOGITS ? 1 / (1 + std::exp(-xs[i])) + ts[i] : std::abs(slope);
    gradients.push_back({slope, 12 * kUnit * terms});
    loss += loss_of(kind, xs[i], ts[i]);
    size += std::abs(loss_of(kind, xs[i], ts[i]));
    if (kind == HS_BCE_WITH_LOGITS) size += std::max(xs[i], 0.0f) + std::abs(xs[i] * ts[i]);
    correct += kind == HS_BCE_WITH_LOGITS && (xs[i] > 0) == (ts[i] > 0.5f) ? 1 : 0;
  }
  const std::string where = shape_name({rows, columns}) + " loss " + std::to_string(kind);
  check_close(dx.get(), gradients, type, where);
  const hs_step_state sums = state.get()[0];
  CHECK_THAT(std::abs(sums.loss_sum - 1 - loss) <= 32 * kUnit * (size + 1),
             std::to_string(sums.loss_sum - 1) + " for " + std::to_string(loss) + where);
  const double share = count == 0 ? 0 : correct / static_cast<double>(columns);
  CHECK(sums.weight == 2 + static_cast<double>(count));
  CHECK(std::abs(sums.correct - 3 - share) <= 1e-9 * (1 + share));
  CHECK(sums.rows == 4 + static_cast<double>(rows));

  const std::vector<float> with_scale = dx.get();
  call(state.address(), x.address());  // in place
  CHECK(same_bits(x.get(), with_scale));
}

}  // namespace

TEST(losses_and_gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (hs_loss kind : kLosses) {
      for (const StorageType& type : kStorageTypes) {
        for (size_t count : kSizes) check_loss(device, kind, type.type, count, 1);
        check_loss(device, kind, type.type, 100, 7);
        check_loss(device, kind, type.type, 3, 5000);
      }
    }
  });
}

TEST(gradients_match_finite_differences_of_the_loss_sum) {
  on_devices([](Device& device) {
    for (hs_loss kind : kLosses) {
      Array<float> x(device, normals(10, 1)), t(device, targets(10)), dx(device, 10);
      CHECK_OK(hs_pointwise_loss(device.stream(), kind, HS_F32, 10, 10, 1, x.address(), t.address(),
                                 0, dx.address()));
      const std::vector<float> ts = t.get();
      std::vector<Expected> expected;
      for (size_t i = 0; i < 10; i++) {
        expected.push_back({slope(wide(x.get()), i,
                                  [&](const std::vector<double>& v) {
                                    double sum = 0;
                                    for (size_t j = 0; j < 10; j++) {
                                      sum += loss_of(kind, v[j], ts[j]);
                                    }
                                    return sum;
                                  }),
                            1e-6});
      }
      check_close(dx.get(), expected, HS_F32, "loss " + std::to_string(kind));
    }
  });
}

TEST(the_cross_entropy_of_a_certain_answer_is_small_and_not_zero) {
  on_devices([](Device& device) {
    Array<float> x(device, {30, -30}), t(device, {1, 0});
    hs_step_state zero{};
    Array<hs_step_state> state(device, std::vector{zero});
    CHECK_OK(hs_pointwise_loss(device.stream(), HS_BCE_WITH_LOGITS, HS_F32, 2, 2, 1, x.address(),
                               t.address(), state.address(), 0));
    const double expected = 2 * std::log1p(std::exp(-30.0));
    CHECK(std::abs(state.get()[0].loss_sum - expected) < 1e-5 * expected);
    CHECK(state.get()[0].correct == 2);
  });
}

TEST(a_NaN_prediction_is_correct_for_no_target) {
  on_devices([](Device& device) {
    Array<float> x(device, {kNaN, kNaN, -1}), t(device, {1, 0, 0});
    hs_step_state zero{};
    Array<hs_step_state> state(device, std::vector{zero});
    CHECK_OK(hs_pointwise_loss(device.stream(), HS_BCE_WITH_LOGITS, HS_F32, 3, 3, 1, x.address(),
                               t.address(), state.address(), 0));
    CHECK(state.get()[0].correct == 1 && state.get()[0].rows == 3);
  });
}

TEST(losses_alone_and_gradients_alone_can_be_asked_for) {
  on_devices([](Device& device) {
    Array<float> x(device, {1, 2}), t(device, {0, 4}), dx(device, 2);
    Array<hs_step_state> state(device, std::vector{scaled_state(64)});
    CHECK_OK(hs_pointwise_loss(device.stream(), HS_MSE, HS_F32, 1, 2, 1, x.address(), t.address(),
                               state.address(), 0));
    CHECK(state.get()[0].loss_sum == 1 + 5);
    // Without a state the loss scale is 1.
    CHECK_OK(hs_pointwise_loss(device.stream(), HS_MSE, HS_F32, 1, 2, 0.5f, x.address(),
                               t.address(), 0, dx.address()));
    CHECK(dx.get() == std::vector<float>({1, -2}));
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t count = 100003;
    Array<float> x(device, predictions(count)), t(device, targets(count)), dx(device, count);
    hs_step_state zero{};
    zero.loss_scale = 1;
    Array<hs_step_state> state(device, std::vector{zero});
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(hs_pointwise_loss(s, HS_BCE_WITH_LOGITS, HS_F32, count, count, 1, x.address(),
                                     t.address(), state.address(), dx.address()));
        },
        [&] {
          std::vector<double> all = wide(dx.get());
          all.push_back(state.get()[0].loss_sum);
          state.set({zero});
          return all;
        });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_ptr at = memory.address();
    hs_stream s = device.stream();
    CHECK_REFUSED(hs_pointwise_loss(s, 3, HS_F32, 4, 4, 1, at, at, 0, at), "3 is not an hs_loss");
    CHECK_REFUSED(hs_pointwise_loss(s, HS_MSE, HS_I32, 4, 4, 1, at, at, 0, at), "of I32");
    CHECK_REFUSED(hs_pointwise_loss(s, HS_MSE, HS_F32, 4, -4, 1, at, at, 0, at), "count is -4");
    CHECK_REFUSED(hs_pointwise_loss(s, HS_MSE, HS_F32, 3, 4, 1, at, at, 0, at),
                  "3 rows do not divide 4 elements");
    CHECK_REFUSED(hs_pointwise_loss(s, HS_MSE, HS_F32, 0, 4, 1, at, at, 0, at), "0 rows");
    CHECK_REFUSED(hs_pointwise_loss(s, HS_MSE, HS_F32, 4, 4, 1, at, 0, 0, at), "target is 0");
  });
}

KERNEL_TEST_MAIN()
