// Softmax cross-entropy against its definition in fp64.
#include "device.h"

using namespace hs::test;

namespace {

struct Settings {
  hs_dtype type = HS_F32;
  float smoothing = 0;
  bool weighted = false;
  int32_t ignore = -1;
  float seed = 1;
  float scale = 1;
  bool in_place = false;
};

struct Reference {
  std::vector<double> row_loss, gradient;
  std::vector<double> magnitude;  // sum of the sizes of the terms that the gradient subtracts
  double loss = 0, weight = 0, correct = 0, rows = 0;
};

// The definition in fp64; each label must be a class or the ignored label.
Reference reference(const std::vector<float>& x, const std::vector<int32_t>& labels, size_t classes,
                    const std::vector<float>& weights, const Settings& s) {
  Reference r;
  const double uniform = static_cast<double>(s.smoothing) / static_cast<double>(classes);
  for (size_t row = 0; row < labels.size(); row++) {
    const float* logits = x.data() + row * classes;
    if (labels[row] == s.ignore) {
      r.row_loss.push_back(0);
      r.gradient.insert(r.gradient.end(), classes, 0.0);
      r.magnitude.insert(r.magnitude.end(), classes, 0.0);
      continue;
    }
    const size_t label = static_cast<size_t>(labels[row]);
    double maximum = -HUGE_VAL, sum = 0;
    size_t largest = 0;
    for (size_t c = 0; c < classes; c++) {
      if (logits[c] > maximum) maximum = logits[largest = c];
    }
    for (size_t c = 0; c < classes; c++) sum += std::exp(logits[c] - maximum);
    const auto q = [&](size_t c) {
      return weights[c] * (uniform + (c == label ? 1 - static_cast<double>(s.smoothing) : 0));
    };
    double loss = 0, all = 0;
    for (size_t c = 0; c < classes; c++) {
      if (q(c) != 0) loss -= q(c) * (logits[c] - maximum - std::log(sum));
      all += q(c);
    }
    for (size_t c = 0; c < classes; c++) {
      const double factor = static_cast<double>(s.seed) * s.scale;
      const double p = all * std::exp(logits[c] - maximum) / sum;
      r.gradient.push_back(factor * (p - q(c)));
      r.magnitude.push_back(std::abs(factor) * (p + q(c)));
    }
    r.row_loss.push_back(loss);
    r.loss += loss;
    r.weight += weights[label];
    r.correct += largest == label ? 1 : 0;
    r.rows += 1;
  }
  return r;
}

hs_cross_entropy_desc describe(size_t rows, size_t classes, const Settings& s) {
  return {s.type, static_cast<int64_t>(rows), static_cast<int64_t>(classes), s.smoothing, s.ignore,
          s.seed};
}

double unit_of(hs_dtype type) {
  for (const StorageType& t : kStorageTypes) {
    if (t.type == type) return t.unit;
  }
  return 0;
}

void check_against_reference(Device& device, const std::vector<float>& values,
                             const std::vector<int32_t>& labels, size_t classes,
                             const Settings& s) {
  const size_t rows = labels.size();
  StorageArray logits(device, s.type, values, 1);
  const std::vector<float> rounded = logits.get();
  std::vector<float> weights(classes, 1.0f);
  if (s.weighted) {
    for (size_t c = 0; c < classes; c++) weights[c] = 0.25f * static_cast<float>(c % 7 + 1);
  }
  Array<int32_t> label_memory(device, labels, 1);
  Array<float> weight_memory(device, weights, 1);
  hs_step_state initial{};
  initial.loss_scale = s.scale;
  Array<hs_step_state> state(device, std::vector{initial});
  Array<float> row_loss(device, rows, 1);
  StorageArray gradient(device, s.type, rows * classes, 1);
  const hs_cross_entropy_desc desc = describe(rows, classes, s);
  const hs_ptr out = s.in_place ? logits.address() : gradient.address();
  CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), label_memory.address(),
                            s.weighted ? weight_memory.address() : 0, state.address(), out,
                            row_loss.address()));

  const Reference expected = reference(rounded, labels, classes, weights, s);
  const std::string where = " at [" + std::to_string(rows) + ", " + std::to_string(classes) + "]";
  const std::vector<float> losses = row_loss.get();
  const double u = 0x1p-24, k = std::sqrt(static_cast<double>(classes));
  double largest = 0;
  for (float x : rounded) largest = std::max(largest, std::abs(static_cast<double>(x)));
  for (size_t r = 0; r < rows; r++) {
    const double bound = 4 * k * u * (1 + std::abs(expected.row_loss[r])) + u * largest;
    CHECK_THAT(std::abs(losses[r] - expected.row_loss[r]) <= bound,
               "row " + std::to_string(r) + ": " + std::to_string(losses[r]) + " for " +
                   std::to_string(expected.row_loss[r]) + where);
  }
  const std::vector<float> gradients = s.in_place ? logits.get() : gradient.get();
  size_t wrong = 0;
  for (size_t i = 0; i < gradients.size(); i++) {
    // The relative error of exp(x - max) grows with |x - max|; below 2^-126 results are zero, and
    // F16's smallest value is 2^-24.
    const double g = expected.gradient[i];
    const double bound = (8 + k + 2 * std::min(2 * largest, 90.0)) * u * expected.magnitude[i] +
                         unit_of(s.type) * std::abs(g) + (s.type == HS_F16 ? 0x1p-25 : 1e-37);
    if (!(std::abs(gradients[i] - g) <= bound)) wrong++;
  }
  CHECK_THAT(wrong == 0, std::to_string(wrong) + " gradients beyond the bound" + where);
  const hs_step_state sums = state.get()[0];
  CHECK_THAT(std::abs(sums.loss_sum - expected.loss) <=
                 8 * k * u * (static_cast<double>(rows) + std::abs(expected.loss)),
             std::to_string(sums.loss_sum) + " for " + std::to_string(expected.loss) + where);
  CHECK(std::abs(sums.weight - expected.weight) <= 1e-12 * (1 + expected.weight));
  CHECK(sums.correct == expected.correct && sums.rows == expected.rows && sums.error == 0);
}

std::vector<int32_t> some_labels(size_t rows, size_t classes) {
  std::vector<int32_t> labels(rows);
  for (size_t r = 0; r < rows; r++) labels[r] = static_cast<int32_t>((r * 7919 + 3) % classes);
  return labels;
}

// One and two classes; odd numbers; one below and one above the widths of vectors, of the path for
// few classes and of a chunk; several chunks; rows that fill tiles and rows that do not.
constexpr size_t kShapes[][2] = {
    {1, 1},    {3, 1},    {1, 2},    {1024, 2},  {17, 3},    {65, 7},  {33, 8},
    {5, 9},    {64, 10},  {100, 15}, {31, 16},   {16, 17},   {15, 18}, {7, 31},
    {3, 32},   {2, 33},   {64, 63},  {9, 64},    {9, 65},    {1, 127}, {64, 1000},
    {3, 4095}, {2, 4096}, {2, 4097}, {3, 10007}, {1, 50257}, {0, 10},  {20001, 2}};

}  // namespace

TEST(losses_and_gradients_match_the_definition) {
  on_devices([](Device& device) {
    for (const auto& [rows, classes] : kShapes) {
      const std::vector<float> x = normals(rows * classes, 17, 2);
      check_against_reference(device, x, some_labels(rows, classes), classes, {});
    }
  });
}

TEST(smoothing_weights_and_ignored_rows_match_the_definition) {
  on_devices([](Device& device) {
    for (const auto& [rows, classes] : kShapes) {
      const std::vector<float> x = normals(rows * classes, 18, 3);
      std::vector<int32_t> labels = some_labels(rows, classes);
      Settings s;
      s.weighted = true;
      s.seed = 0.125f;
      s.scale = 1024;
      check_against_reference(device, x, labels, classes, s);
      s.smoothing = 0.1f;
      check_against_reference(device, x, labels, classes, s);
      s.weighted = false;
      for (size_t r = 0; r < rows; r += 3) labels[r] = s.ignore = -100;
      check_against_reference(device, x, labels, classes, s);
    }
  });
}

TEST(sixteen_bit_logits_match_the_definition) {
  on_devices([](Device& device) {
    for (hs_dtype type : {HS_BF16, HS_F16}) {
      for (const auto& [rows, classes] : kShapes) {
        const std::vector<float> x = normals(rows * classes, 19, 2);
        Settings s;
        s.type = type;
        check_against_reference(device, x, some_labels(rows, classes), classes, s);
        s.in_place = true;
        s.smoothing = 0.2f;
        check_against_reference(device, x, some_labels(rows, classes), classes, s);
      }
    }
  });
}

TEST(the_gradient_may_take_the_place_of_the_logits) {
  on_devices([](Device& device) {
    for (const auto& [rows, classes] : kShapes) {
      Settings s;
      s.in_place = true;
      check_against_reference(device, normals(rows * classes, 20), some_labels(rows, classes),
                              classes, s);
    }
  });
}

TEST(extreme_logits_stay_exact) {
  on_devices([](Device& device) {
    for (size_t classes : {2, 10, 100, 5000}) {
      std::vector<float> x;
      const std::vector<float> noise = normals(classes, 21);
      const auto add_row = [&](auto value) {
        for (size_t c = 0; c < classes; c++) x.push_back(value(c));
      };
      add_row([](size_t) { return 0.0f; });                              // all equal
      add_row([](size_t) { return -3e38f; });                            // equal, and huge
      add_row([](size_t c) { return c == 1 ? 1e30f : -1e30f; });         // one huge
      add_row([](size_t c) { return c == 1 ? -1000.0f : 1000.0f; });     // the label's is tiny
      add_row([](size_t c) { return c == 1 ? 0.0f : -kInfinity; });      // only one is finite
      add_row([&](size_t c) { return noise[c] + 1e6f; });                // shifted
      add_row([](size_t c) { return -static_cast<float>(c) * 50.0f; });  // underflow
      std::vector<int32_t> labels(x.size() / classes, 1);
      check_against_reference(device, x, labels, classes, {});
      Settings in_place;
      in_place.in_place = true;
      check_against_reference(device, x, labels, classes, in_place);
    }
  });
}

TEST(the_first_of_equal_logits_is_the_prediction) {
  on_devices([](Device& device) {
    for (size_t classes : {2, 10, 40, 5000}) {
      for (bool in_place : {false, true}) {
        Settings s;
        s.in_place = in_place;
        const std::vector<float> x(4 * classes, 0.5f);
        const int32_t last = static_cast<int32_t>(classes) - 1;
        check_against_reference(device, x, {0, 1, last, 0}, classes, s);  // 2 are correct
      }
    }
  });
}

TEST(a_shift_of_all_logits_changes_nothing_but_rounding) {
  on_devices([](Device& device) {
    // Multiples of 1/8 up to 4, so that adding 4096 is exact and the bits must be the same.
    std::vector<float> x = normals(64 * 37, 22);
    for (float& value : x) value = std::round(std::min(std::max(value, -4.0f), 4.0f) * 8) / 8;
    std::vector<float> gradients[2];
    for (int shifted = 0; shifted < 2; shifted++) {
      Array<float> logits(device, x);
      Array<int32_t> labels(device, some_labels(64, 37));
      Array<float> gradient(device, x.size());
      const hs_cross_entropy_desc desc = describe(64, 37, {});
      CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0, 0,
                                gradient.address(), 0));
      gradients[shifted] = gradient.get();
      for (float& value : x) value += 4096;
    }
    CHECK(same_bits(gradients[0], gradients[1]));
  });
}

TEST(a_label_that_is_no_class_gives_NaN_and_the_sticky_error) {
  on_devices([](Device& device) {
    for (size_t classes : {2, 10, 1000}) {
      for (int32_t bad : {-1, -2, static_cast<int32_t>(classes), INT32_MAX, INT32_MIN}) {
        Settings s;
        const std::vector<float> x = normals(3 * classes, 23);
        Array<float> logits(device, x);
        Array<int32_t> labels(device, {0, bad, 1});
        hs_step_state initial{};
        initial.loss_scale = 1;
        Array<hs_step_state> state(device, std::vector{initial});
        Array<float> losses(device, 3), gradient(device, x.size());
        const hs_cross_entropy_desc desc = describe(3, classes, s);
        CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0,
                                  state.address(), gradient.address(), losses.address()));
        const std::vector<float> g = gradient.get(), l = losses.get();
        CHECK(std::isfinite(l[0]) && std::isnan(l[1]) && std::isfinite(l[2]));
        for (size_t i = 0; i < g.size(); i++) CHECK(std::isnan(g[i]) == (i / classes == 1));
        CHECK(state.get()[0].error == HS_ERROR_LABEL && std::isnan(state.get()[0].loss_sum));
        CHECK(state.get()[0].rows == 3);
      }
    }
  });
}

TEST(a_row_with_NaN_logits_is_correct_for_no_label) {
  on_devices([](Device& device) {
    for (size_t classes : {2, 10, 100, 5000}) {
      // Row 0 is all NaN; in row 1 the label has the largest number beside a NaN; row 2 has no NaN.
      std::vector<float> x(3 * classes, kNaN);
      for (size_t c = 1; c < 2 * classes; c++) x[classes + c] = 0;
      x[classes] = 1, x[classes + 1] = kNaN, x[2 * classes] = 1;
      Array<float> logits(device, x);
      Array<int32_t> labels(device, {0, 0, 0});
      hs_step_state initial{};
      initial.loss_scale = 1;
      Array<hs_step_state> state(device, std::vector{initial});
      const hs_cross_entropy_desc desc = describe(3, classes, {});
      CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0,
                                state.address(), 0, 0));
      CHECK(state.get()[0].correct == 1 && state.get()[0].rows == 3);
    }
  });
}

TEST(NaN_logits_give_a_NaN_loss) {
  on_devices([](Device& device) {
    for (size_t classes : {2, 10, 100, 5000}) {
      for (size_t where : {size_t{0}, size_t{1}, classes - 1}) {
        std::vector<float> x = normals(2 * classes, 24);
        x[where] = kNaN;
        Array<float> logits(device, x);
        Array<int32_t> labels(device, {0, 0});
        Array<float> losses(device, 2), gradient(device, x.size());
        const hs_cross_entropy_desc desc = describe(2, classes, {});
        CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0, 0,
                                  gradient.address(), losses.address()));
        CHECK(std::isnan(losses.get()[0]) && std::isfinite(losses.get()[1]));
        const std::vector<float> g = gradient.get();
        for (size_t i = 0; i < g.size(); i++) CHECK(std::isnan(g[i]) == (i < classes));
      }
    }
  });
}

TEST(gradient_and_row_losses_are_optional_and_sums_add_up) {
  on_devices([](Device& device) {
    for (size_t classes : {2, 10, 100, 5000}) {
      const std::vector<float> x = normals(40 * classes, 25);
      Array<float> logits(device, x), gradient(device, x.size()), losses(device, 40);
      Array<int32_t> labels(device, some_labels(40, classes));
      hs_step_state initial{};
      initial.loss_scale = 1;
      Array<hs_step_state> with(device, std::vector{initial}),
          without(device, std::vector{initial});
      const hs_cross_entropy_desc desc = describe(40, classes, {});
      CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0,
                                with.address(), gradient.address(), losses.address()));
      CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0,
                                without.address(), 0, 0));
      CHECK(same_bits(with.get(), without.get()) && same_bits(logits.get(), x));
      CHECK_OK(hs_cross_entropy(device.stream(), &desc, logits.address(), labels.address(), 0,
                                without.address(), 0, 0));
      const double once = with.get()[0].loss_sum;
      CHECK(std::abs(without.get()[0].loss_sum - 2 * once) <= 1e-12 * once);
      CHECK(without.get()[0].rows == 80 && without.get()[0].correct == 2 * with.get()[0].correct);
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    for (const auto& [rows, classes] : kShapes) {
      Array<float> logits(device, normals(rows * classes, 26));
      Array<int32_t> labels(device, some_labels(rows, classes));
      Array<float> gradient(device, rows * classes), losses(device, rows);
      hs_step_state initial{};
      initial.loss_scale = 1;
      Array<hs_step_state> state(device, std::vector{initial});
      hs_cross_entropy_desc desc = describe(rows, classes, {});
      desc.label_smoothing = 0.1f;
      check_same_everywhere(
          device,
          [&](hs_stream stream) {
            CHECK_OK(hs_cross_entropy(stream, &desc, logits.address(), labels.address(), 0,
                                      state.address(), gradient.address(), losses.address()));
          },
          [&] {
            std::vector<float> all = gradient.get();
            for (float loss : losses.get()) all.push_back(loss);
            const double sum = state.get()[0].loss_sum;
            all.push_back(static_cast<float>(sum));
            all.push_back(static_cast<float>(sum - static_cast<double>(static_cast<float>(sum))));
            state.set({initial});
            return all;
          });
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    Array<int32_t> labels(device, 2);
    const auto call = [&](hs_cross_entropy_desc desc, hs_ptr logits, hs_ptr label) {
      return hs_cross_entropy(device.stream(), &desc, logits, label, 0, 0, 0, 0);
    };
    const hs_ptr at = x.address(), label = labels.address();
    CHECK_REFUSED(call({HS_I32, 2, 2, 0, -1, 1}, at, label), "cross_entropy of I32");
    CHECK_REFUSED(call({HS_F32, -1, 2, 0, -1, 1}, at, label), "logits [-1, 2]");
    CHECK_REFUSED(call({HS_F32, 2, 0, 0, -1, 1}, at, label), "logits [2, 0]");
    CHECK_REFUSED(call({HS_F32, 2, 2, 1, -1, 1}, at, label), "label smoothing 1");
    CHECK_REFUSED(call({HS_F32, 2, 2, kNaN, -1, 1}, at, label), "label smoothing nan");
    CHECK_REFUSED(call({HS_F32, 2, 2, 0, -1, 1}, 0, label), "logits is 0");
    CHECK_REFUSED(call({HS_F32, 2, 2, 0, -1, 1}, at, 0), "labels is 0");
    CHECK_REFUSED(hs_cross_entropy(device.stream(), nullptr, at, label, 0, 0, 0, 0), "desc");
  });
}

KERNEL_TEST_MAIN()
