// The optimizers and the pass over the gradients against their definitions in fp64.
#include "device.h"

using namespace hs::test;

namespace {

hs_optimizer_desc sgd(float learning_rate, float momentum, float weight_decay, bool nesterov) {
  hs_optimizer_desc desc{};
  desc.rule = HS_SGD;
  desc.nesterov = nesterov;
  desc.learning_rate = learning_rate;
  desc.momentum = momentum;
  desc.weight_decay = weight_decay;
  desc.weight_units = 1;
  return desc;
}

hs_optimizer_desc adamw(float learning_rate, float weight_decay) {
  hs_optimizer_desc desc = sgd(learning_rate, 0.9f, weight_decay, false);
  desc.rule = HS_ADAMW;
  desc.beta2 = 0.999f;
  desc.eps = 1e-8f;
  return desc;
}

hs_step_state fresh_state() {
  hs_step_state state{};
  state.loss_scale = 1;
  state.weight = 1;
  return state;
}

// A parameter and its moments, moved by PyTorch's rules in fp64.
struct Parameter {
  double p, m = 0, v = 0;

  void sgd(const hs_optimizer_desc& d, double g, int64_t t) {
    g += static_cast<double>(d.weight_decay) * p;
    m = t == 1 ? g : static_cast<double>(d.momentum) * m + g;
    p -= d.learning_rate * (d.nesterov ? g + d.momentum * m : m);
  }

  void adamw(const hs_optimizer_desc& d, double g, int64_t t) {
    const double beta1 = d.momentum, beta2 = d.beta2, lr = d.learning_rate;
    p -= lr * d.weight_decay * p;
    m += (1 - beta1) * (g - m);
    v = beta2 * v + (1 - beta2) * g * g;
    const double m_hat = m / (1 - std::pow(beta1, static_cast<double>(t)));
    const double v_hat = v / (1 - std::pow(beta2, static_cast<double>(t)));
    p -= lr * m_hat / (std::sqrt(v_hat) + d.eps);
  }
};

// The arenas of one model.
struct Arenas {
  Arenas(Device& device, const std::vector<float>& initial, bool momentum, bool second,
         hs_dtype copy_type = HS_F32)
      : parameters(device, initial, 1),
        gradients(device, initial.size(), 1),
        moment1(device, std::vector<float>(initial.size()), 1),
        moment2(device, std::vector<float>(initial.size()), 1),
        copy(device, copy_type, initial.size(), 1),
        has_moment1(momentum),
        has_moment2(second) {}

  hs_status step(hs_stream stream, const hs_optimizer_desc& desc, hs_ptr state = 0,
                 hs_ptr schedule = 0, bool with_copy = false, hs_ptr segments = 0,
                 int32_t segment_count = 0) {
    return hs_optimizer_step(stream, &desc, static_cast<int64_t>(parameters.count()),
                             parameters.address(), gradients.address(),
                             has_moment1 ? moment1.address() : 0,
                             has_moment2 ? moment2.address() : 0, with_copy ? copy.address() : 0,
                             state, schedule, segments, segment_count, 0);
  }

  // Everything that a step may move.
  std::vector<float> all() const {
    std::vector<float> values = parameters.get();
    for (const auto* part : {&moment1, &moment2}) {
      for (float x : part->get()) values.push_back(x);
    }
    return values;
  }

  Array<float> parameters, gradients, moment1, moment2;
  StorageArray copy;
  bool has_moment1, has_moment2;
};

// Steps of the rule from random gradients, each compared with fp64.
void check_rule(Device& device, const hs_optimizer_desc& desc, size_t count) {
  const bool adam = desc.rule == HS_ADAMW;
  const std::vector<float> initial = normals(count, 1);
  Arenas arenas(device, initial, adam || desc.momentum != 0, adam);
  std::vector<Parameter> reference;
  for (float p : initial) reference.push_back({p});
  hs_step_state state = fresh_state();
  Array<hs_step_state> memory(device, std::vector{state});
  for (int64_t t = 1; t <= 5; t++) {
    const std::vector<float> g = normals(count, static_cast<uint32_t>(10 + t), 0.1f);
    arenas.gradients.set(g);
    state.performed = t - 1;
    memory.set({state});
    CHECK_OK(arenas.step(device.stream(), desc, memory.address()));
    for (size_t i = 0; i < count; i++) {
      if (adam) {
        reference[i].adamw(desc, g[i], t);
      } else {
        reference[i].sgd(desc, g[i], t);
      }
    }
    const std::vector<float> p = arenas.parameters.get();
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
      // Each step rounds p once or twice, and the update, which is at most of the size of lr.
      const double bound = static_cast<double>(t) * 0x1p-24 *
                           (3 * std::abs(reference[i].p) + 20 * desc.learning_rate + 1e-3);
      if (!(std::abs(p[i] - reference[i].p) <= bound)) wrong++;
    }
    CHECK_THAT(wrong == 0, std::to_string(wrong) + " of " + std::to_string(count) +
                               ", t = " + std::to_string(t));
  }
}

}  // namespace

TEST(sgd_follows_its_definition) {
  on_devices([](Device& device) {
    for (size_t count : kSizes) {
      check_rule(device, sgd(0.1f, 0, 0, false), count);
      check_rule(device, sgd(0.1f, 0, 0.01f, false), count);
      check_rule(device, sgd(0.1f, 0.9f, 0.01f, false), count);
      check_rule(device, sgd(0.1f, 0.9f, 0.01f, true), count);
    }
  });
}

TEST(adamw_follows_its_definition) {
  on_devices([](Device& device) {
    for (size_t count : kSizes) {
      check_rule(device, adamw(0.001f, 0), count);
      check_rule(device, adamw(0.01f, 0.1f), count);
    }
  });
}

TEST(without_a_state_it_is_the_first_step_and_gradients_are_as_they_are) {
  on_devices([](Device& device) {
    Arenas arenas(device, {1, 2, 3}, true, true);
    arenas.gradients.set({1, -2, 0});
    CHECK_OK(arenas.step(device.stream(), adamw(0.5f, 0)));
    // m / sqrt(v) is the sign of the gradient in the first step.
    const std::vector<float> p = arenas.parameters.get();
    CHECK(std::abs(p[0] - 0.5f) < 1e-6f && std::abs(p[1] - 2.5f) < 1e-6f && p[2] == 3);
  });
}

TEST(gradients_are_divided_by_weight_and_loss_scale) {
  on_devices([](Device& device) {
    Arenas arenas(device, {1, 1}, false, false);
    arenas.gradients.set({64, -128});
    hs_step_state state = fresh_state();
    state.weight = 8;
    state.loss_scale = 4;
    Array<hs_step_state> memory(device, std::vector{state});
    hs_optimizer_desc desc = sgd(1, 0, 0, false);
    desc.weight_units = 2;
    CHECK_OK(arenas.step(device.stream(), desc, memory.address()));
    CHECK(arenas.parameters.get() == std::vector<float>({1 - 4, 1 + 8}));
    state.weight = 0;  // every row was ignored: the gradients count for nothing
    memory.set({state});
    CHECK_OK(arenas.step(device.stream(), desc, memory.address()));
    CHECK(arenas.parameters.get() == std::vector<float>({1 - 4, 1 + 8}));
  });
}

TEST(a_checked_step_takes_the_multiplier_and_moves_nothing_when_not_finite) {
  on_devices([](Device& device) {
    for (size_t count : {3, 20000}) {
      Arenas arenas(device, std::vector<float>(count, 1.0f), true, true, HS_BF16);
      std::vector<float> g(count, 2.0f);
      g[count - 1] = kInfinity;
      arenas.gradients.set(g);
      hs_step_state state = fresh_state();
      Array<hs_step_state> memory(device, std::vector{state});
      for (const hs_optimizer_desc& rule : {sgd(1, 0.5f, 0.1f, true), adamw(1, 0.1f)}) {
        hs_optimizer_desc desc = rule;
        desc.checked = 1;
        desc.copy_type = HS_BF16;
        const std::vector<float> before = arenas.all();
        CHECK_OK(hs_gradient_check(device.stream(), static_cast<int64_t>(count),
                                   arenas.gradients.address(), memory.address(), 1, 0));
        CHECK(memory.get()[0].nonfinite == 1);
        CHECK_OK(arenas.step(device.stream(), desc, memory.address(), 0, true));
        CHECK(same_bits(arenas.all(), before) && std::isnan(arenas.copy.get()[0]));
      }
      // The multiplier that the check left, here halved by clipping, is what counts.
      hs_optimizer_desc desc = sgd(1, 0, 0, false);
      desc.checked = 1;
      Arenas plain(device, {1, 1}, false, false);
      plain.gradients.set({3, 4});
      CHECK_OK(hs_gradient_check(device.stream(), 2, plain.gradients.address(), memory.address(), 1,
                                 2.5f));
      CHECK(memory.get()[0].gradient_norm == 5 && memory.get()[0].nonfinite == 0);
      CHECK_OK(plain.step(device.stream(), desc, memory.address()));
      const std::vector<float> p = plain.parameters.get();
      CHECK(std::abs(p[0] + 0.5f) < 1e-6f && std::abs(p[1] + 1) < 1e-6f);
    }
  });
}

TEST(nothing_moves_while_there_is_an_error_in_the_state) {
  on_devices([](Device& device) {
    for (hs_rule rule : {HS_SGD, HS_ADAMW, HS_ADAM, HS_LARS, HS_LAMB}) {
      for (uint32_t error : {HS_ERROR_LABEL, HS_ERROR_INDEX}) {
        Arenas arenas(device, {1, 1}, true, true);
        arenas.gradients.set({kNaN, kNaN});
        hs_step_state state = fresh_state();
        state.error = error;
        Array<hs_step_state> memory(device, std::vector{state});
        const std::vector<float> before = arenas.all();
        hs_optimizer_desc desc = sgd(0.5f, 0.5f, 0.1f, false);
        desc.rule = rule;
        desc.beta2 = 0.9f;
        desc.eps = 1e-8f;
        desc.trust = 0.1f;
        CHECK_OK(arenas.step(device.stream(), desc, memory.address()));
        CHECK(same_bits(arenas.all(), before));
      }
    }
  });
}

TEST(the_schedule_gives_the_row_of_the_performed_step) {
  on_devices([](Device& device) {
    Array<hs_schedule_row> schedule(device, {{0.5f, 0}, {0.25f, 0}});
    for (int64_t performed : {9, 10, 11, 12}) {
      Arenas arenas(device, {1, 1}, true, false);
      arenas.gradients.set({1, 2});
      hs_step_state state = fresh_state();
      state.performed = performed;
      state.schedule_base = 10;
      state.schedule_rows = 2;
      Array<hs_step_state> memory(device, std::vector{state});
      const std::vector<float> before = arenas.all();
      CHECK_OK(arenas.step(device.stream(), sgd(100, 0, 0, false), memory.address(),
                           schedule.address()));
      const bool possible = performed == 10 || performed == 11;
      CHECK(memory.get()[0].error == (possible ? 0 : HS_ERROR_SCHEDULE));
      const float rate = performed == 10 ? 0.5f : 0.25f;
      const std::vector<float> p = arenas.parameters.get();
      if (possible) {
        CHECK(p[0] == 1 - rate && p[1] == 1 - 2 * rate);
      } else {
        CHECK(same_bits(arenas.all(), before));  // the step is skipped
      }
    }
  });
}

TEST(the_schedule_gives_the_momentum) {
  on_devices([](Device& device) {
    Array<hs_schedule_row> schedule(device, {{1, 0.5f}, {1, 0.25f}});
    Arenas arenas(device, {0, 0}, true, false);
    hs_step_state state = fresh_state();
    state.schedule_rows = 2;
    Array<hs_step_state> memory(device, std::vector{state});
    arenas.gradients.set({1, 2});
    const hs_optimizer_desc desc = sgd(100, 0.9f, 0, false);
    CHECK_OK(arenas.step(device.stream(), desc, memory.address(), schedule.address()));
    state.performed = 1;
    memory.set({state});
    CHECK_OK(arenas.step(device.stream(), desc, memory.address(), schedule.address()));
    CHECK(arenas.parameters.get() == std::vector<float>({-2.25f, -4.5f}));  // -(1 + (1 + 1/4))
  });
}

TEST(sgd_without_a_moment_arena_follows_a_schedule_without_its_momenta) {
  on_devices([](Device& device) {
    Array<hs_schedule_row> schedule(device, {{1, 0.5f}, {0.5f, 0.25f}});
    Arenas arenas(device, {0, 0}, false, false);
    arenas.gradients.set({1, 2});
    hs_step_state state = fresh_state();
    state.schedule_rows = 2;
    Array<hs_step_state> memory(device, std::vector{state});
    const hs_optimizer_desc desc = sgd(100, 0, 0, false);
    CHECK_OK(arenas.step(device.stream(), desc, memory.address(), schedule.address()));
    state.performed = 1;
    memory.set({state});
    CHECK_OK(arenas.step(device.stream(), desc, memory.address(), schedule.address()));
    CHECK(arenas.parameters.get() == std::vector<float>({-1.5f, -3}));
  });
}

TEST(segments_have_their_decay_are_frozen_or_copied_and_gaps_stay) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      // A segment that spans several tiles, short ones, gaps, a frozen one; the last has no copy.
      const std::vector<hs_segment> segments = {
          {0, 5, 0.5f, HS_SEGMENT_COPY, 1},
          {16, 40000, 0.25f, HS_SEGMENT_COPY, 1},
          {40032, 7, 0, HS_SEGMENT_FROZEN | HS_SEGMENT_COPY, 1},
          {40048, 0, 0, HS_SEGMENT_COPY, 1},
          {40048, 33, 0, 0, 1}};
      const size_t count = 40100;
      for (bool adam : {false, true}) {
        Arenas arenas(device, std::vector<float>(count, 1.0f), adam, adam, type.type);
        arenas.gradients.set(std::vector<float>(count, 0.0f));
        Array<hs_segment> memory(device, segments);
        hs_optimizer_desc desc = adam ? adamw(0.5f, 9) : sgd(0.5f, 0, 9, false);
        desc.copy_type = type.type;
        CHECK_OK(arenas.step(device.stream(), desc, 0, 0, true, memory.address(), 5));
        const std::vector<float> p = arenas.parameters.get(), copy = arenas.copy.get();
        size_t wrong = 0;
        for (size_t i = 0; i < count; i++) {
          const float expected = i < 5 ? 0.75f : i >= 16 && i < 40016 ? 0.875f : 1.0f;
          const bool copied = i < 5 || (i >= 16 && i < 40016);
          if (p[i] != expected) wrong++;
          if (copied ? copy[i] != expected : !std::isnan(copy[i])) wrong++;
        }
        CHECK_THAT(wrong == 0, std::to_string(wrong) + " wrong, copy in " + type.name);
      }
    }
  });
}

TEST(without_segments_the_whole_arena_is_copied) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (size_t count : kSizes) {
        Arenas arenas(device, normals(count, 5), true, false, type.type);
        arenas.gradients.set(normals(count, 6));
        hs_optimizer_desc desc = sgd(0.1f, 0.9f, 0, false);
        desc.copy_type = type.type;
        CHECK_OK(arenas.step(device.stream(), desc, 0, 0, true));
        StorageArray expected(device, type.type, arenas.parameters.get());
        CHECK(same_bits(arenas.copy.get(), expected.get()));
      }
    }
  });
}

TEST(the_check_finds_the_norm_and_whatever_is_not_finite) {
  on_devices([](Device& device) {
    for (size_t count : kSizes) {
      std::vector<float> g = normals(count, 7, 100);
      Array<float> gradients(device, g, 1);
      hs_step_state state = fresh_state();
      state.weight = 16;
      state.loss_scale = 2;
      Array<hs_step_state> memory(device, std::vector{state});
      const auto check = [&](float max_norm) {
        CHECK_OK(hs_gradient_check(device.stream(), static_cast<int64_t>(count),
                                   gradients.address(), memory.address(), 4, max_norm));
        return memory.get()[0];
      };
      double squares = 0;
      for (float x : g) squares += static_cast<double>(x) * x;
      const double norm = std::sqrt(squares) / 8;
      hs_step_state found = check(0);
      CHECK(found.nonfinite == 0 && found.multiplier == 0.125f);
      CHECK(std::abs(found.gradient_norm - norm) <= 1e-7 * norm);
      found = check(static_cast<float>(norm * 2 + 1));  // above the norm: no clipping
      CHECK(found.multiplier == 0.125f);
      if (count == 0) continue;
      found = check(static_cast<float>(norm / 2));
      CHECK(std::abs(found.multiplier - 0.0625) < 1e-6);
      CHECK(std::abs(found.gradient_norm - norm) <= 1e-7 * norm);
      for (size_t where : {size_t{0}, count / 2, count - 1}) {
        for (float bad : {kNaN, kInfinity, -kInfinity}) {
          std::vector<float> spoilt = g;
          spoilt[where] = bad;
          gradients.set(spoilt);
          CHECK(check(1).nonfinite == 1);
        }
      }
      gradients.set(std::vector<float>(count, 3e38f));  // squares overflow a float, not the norm
      CHECK(check(0).nonfinite == 0);
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t count = 300007;
    const std::vector<float> initial = normals(count, 8);
    Arenas arenas(device, initial, true, true);
    arenas.gradients.set(normals(count, 9));
    Array<hs_step_state> memory(device, std::vector{fresh_state()});
    hs_optimizer_desc desc = adamw(0.01f, 0.01f);
    desc.checked = 1;
    check_same_everywhere(
        device,
        [&](hs_stream stream) {
          CHECK_OK(hs_gradient_check(stream, count, arenas.gradients.address(), memory.address(), 1,
                                     0.5f));
          CHECK_OK(arenas.step(stream, desc, memory.address()));
        },
        [&] {
          std::vector<float> result = arenas.all();
          result.push_back(memory.get()[0].gradient_norm);
          result.push_back(memory.get()[0].multiplier);
          arenas.parameters.set(initial);
          arenas.moment1.set(std::vector<float>(count));
          arenas.moment2.set(std::vector<float>(count));
          return result;
        });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    Array<hs_step_state> memory(device, std::vector{fresh_state()});
    const hs_ptr at = x.address(), state = memory.address();
    hs_stream stream = device.stream();
    const auto call = [&](const hs_optimizer_desc& d, hs_ptr m1, hs_ptr m2, hs_ptr copy = 0,
                          hs_ptr with_state = 0, hs_ptr schedule = 0) {
      return hs_optimizer_step(stream, &d, 4, at, at, m1, m2, copy, with_state, schedule, 0, 0, 0);
    };
    hs_optimizer_desc bad = adamw(0.1f, 0);
    CHECK_REFUSED(call(adamw(-0.1f, 0), at, at), "learning rate -0.1");
    CHECK_REFUSED(call(adamw(kNaN, 0), at, at), "learning rate nan");
    CHECK_REFUSED(call(adamw(0.1f, -1), at, at), "weight decay -1");
    CHECK_REFUSED(call(adamw(0.1f, 0), at, 0), "need moment1 and moment2");
    CHECK_REFUSED(call(sgd(0.1f, 0.9f, 0, false), 0, 0), "needs moment1");
    CHECK_REFUSED(call(sgd(0.1f, 1, 0, false), at, 0), "momentum (beta1) 1");
    bad.rule = 7;
    CHECK_REFUSED(call(bad, at, at), "7 is not an hs_rule");
    bad = adamw(0.1f, 0);
    bad.beta2 = 1;
    CHECK_REFUSED(call(bad, at, at), "beta2 1");
    bad = adamw(0.1f, 0);
    bad.copy_type = HS_I64;
    CHECK_REFUSED(call(bad, at, at, at), "a copy in I64");
    bad = adamw(0.1f, 0);
    bad.checked = 1;
    CHECK_REFUSED(call(bad, at, at), "need the state");
    CHECK_REFUSED(hs_gradient_check(stream, 4, at, 0, 1, 0), "state is 0");
    CHECK_REFUSED(hs_gradient_check(stream, 4, 0, state, 1, 0), "gradients is 0");
    CHECK_REFUSED(hs_gradient_check(stream, 4, at, state, 0, 0), "weight_units 0");
    CHECK_REFUSED(hs_gradient_check(stream, 4, at, state, 1, -1), "max_norm -1");
    CHECK_REFUSED(hs_gradient_check(stream, -4, at, state, 1, 0), "count is -4");
  });
}

KERNEL_TEST_MAIN()
