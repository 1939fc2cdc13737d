// The rules with segments, and Adam, LARS and LAMB without, against their definitions in fp64.
#include <cstring>

#include "compare.h"

using namespace hs::test;

namespace {

constexpr hs_rule kRules[] = {HS_SGD, HS_ADAMW, HS_ADAM, HS_LARS, HS_LAMB};

hs_optimizer_desc describe(hs_rule rule, float weight_decay) {
  hs_optimizer_desc desc{};
  desc.rule = rule;
  desc.learning_rate = 0.01f;
  desc.momentum = 0.9f;
  desc.beta2 = 0.999f;
  desc.eps = rule == HS_LAMB ? 1e-6f : 1e-8f;
  desc.trust = 0.001f;
  desc.weight_decay = weight_decay;
  desc.weight_units = 1;
  return desc;
}

// A model in fp64, its segments one after the other.
struct Model {
  std::vector<double> p, m, v;

  explicit Model(const std::vector<float>& initial)
      : p(initial.begin(), initial.end()), m(p.size()), v(p.size()) {}

  void step(const hs_optimizer_desc& d, size_t begin, size_t end, double factor, double decay,
            bool left_out, const std::vector<float>& gradients, double multiplier, int64_t t) {
    const double beta1 = d.momentum, beta2 = d.beta2, rate = factor * d.learning_rate;
    const double correction1 = 1 - std::pow(beta1, static_cast<double>(t));
    const double correction2 = 1 - std::pow(beta2, static_cast<double>(t));
    std::vector<double> update(p.size());
    double parameters = 0, others = 0;
    for (size_t i = begin; i < end; i++) {
      const double g = multiplier * gradients[i], decayed = g + decay * p[i];
      parameters += p[i] * p[i];
      if (d.rule == HS_LARS || d.rule == HS_SGD) {
        update[i] = decayed;
        others += g * g;
        continue;
      }
      const double seen = d.rule == HS_ADAM ? decayed : g;
      m[i] += (1 - beta1) * (seen - m[i]);
      v[i] = beta2 * v[i] + (1 - beta2) * seen * seen;
      const double eps = d.eps_before_debiasing ? d.eps / std::sqrt(correction2) : d.eps;
      update[i] = m[i] / correction1 / (std::sqrt(v[i] / correction2) + eps);
      if (d.rule == HS_LAMB || d.rule == HS_ADAMW) update[i] += decay * p[i];
      others += update[i] * update[i];
    }
    parameters = std::sqrt(parameters);
    others = std::sqrt(others);
    double ratio = 1;
    if (d.rule == HS_LAMB && parameters != 0 && others != 0) ratio = parameters / others;
    if (d.rule == HS_LARS && parameters != 0 && others != 0 && !left_out) {
      ratio = d.trust * parameters / (others + decay * parameters + d.eps);
    }
    for (size_t i = begin; i < end; i++) {
      if (d.rule == HS_LARS || d.rule == HS_SGD) {
        m[i] = beta1 * m[i] + ratio * update[i];
        p[i] -= rate * m[i];
      } else {
        p[i] -= rate * ratio * update[i];
      }
    }
  }
};

// Some sizes lie at odd addresses.
size_t shift_of(size_t count) { return count % 4 == 1 ? 1 : 0; }

struct Arenas {
  Arenas(Device& device, const std::vector<float>& initial, size_t segments)
      : parameters(device, initial, shift_of(initial.size())),
        gradients(device, initial.size(), shift_of(initial.size())),
        moment1(device, std::vector<float>(initial.size()), shift_of(initial.size())),
        moment2(device, std::vector<float>(initial.size()), shift_of(initial.size())),
        workspace(device, 2 * segments, 1) {}

  hs_status step(hs_stream stream, const hs_optimizer_desc& d, hs_ptr state, hs_ptr copy = 0,
                 hs_ptr segments = 0, int32_t segment_count = 0) {
    const bool layers = (d.rule == HS_LARS || d.rule == HS_LAMB) && segments != 0;
    return hs_optimizer_step(stream, &d, static_cast<int64_t>(parameters.count()),
                             parameters.address(), gradients.address(), moment1.address(),
                             d.rule == HS_LARS || d.rule == HS_SGD ? 0 : moment2.address(), copy,
                             state, 0, segments, segment_count, layers ? workspace.address() : 0);
  }

  Array<float> parameters, gradients, moment1, moment2;
  Array<double> workspace;
};

// Five steps, each compared; the gradients carry a loss scale of 4.
void check_rule(Device& device, hs_rule rule, float decay, size_t count,
                const std::vector<hs_segment>& segments) {
  const hs_optimizer_desc desc = describe(rule, decay);
  const std::vector<float> initial = normals(count, 1);
  Arenas arenas(device, initial, segments.size());
  Array<hs_segment> table(device, segments);
  StorageArray copy(device, HS_F32, count, shift_of(count));
  Model model(initial);
  hs_step_state state{};
  state.loss_scale = 4;
  state.weight = 1;
  Array<hs_step_state> memory(device, std::vector{state});
  for (int64_t t = 1; t <= 5; t++) {
    const std::vector<float> g = normals(count, static_cast<uint32_t>(10 + t), 0.4f);
    arenas.gradients.set(g);
    state.performed = t - 1;
    memory.set({state});
    CHECK_OK(arenas.step(device.stream(), desc, memory.address(), copy.address(),
                         segments.empty() ? 0 : table.address(),
                         static_cast<int32_t>(segments.size())));
    if (segments.empty()) model.step(desc, 0, count, 1, decay, false, g, 0.25, t);
    for (const hs_segment& s : segments) {
      if (s.flags & HS_SEGMENT_FROZEN) continue;
      model.step(desc, static_cast<size_t>(s.offset), static_cast<size_t>(s.offset + s.count),
                 s.rate, s.weight_decay, (s.flags & HS_SEGMENT_NO_DECAY) != 0, g, 0.25, t);
    }
    std::vector<Expected> expected;
    for (size_t i = 0; i < count; i++) {
      // A step rounds p, and its update, whose size is not above 0.3 here.
      expected.push_back(
          {model.p[i], static_cast<double>(t) * kUnit * (4 * std::abs(model.p[i]) + 1)});
    }
    check_close(arenas.parameters.get(), expected, HS_F32,
                "rule " + std::to_string(rule) + ", " + std::to_string(count) +
                    " parameters, t = " + std::to_string(t));
  }
  const std::vector<float> p = arenas.parameters.get(), copied = copy.get();
  size_t wrong = 0;
  for (size_t i = 0; i < count; i++) {
    bool has_copy = segments.empty();
    for (const hs_segment& s : segments) {
      const bool inside =
          static_cast<int64_t>(i) >= s.offset && static_cast<int64_t>(i) < s.offset + s.count;
      has_copy = has_copy || (inside && s.flags == HS_SEGMENT_COPY);
    }
    if (has_copy ? copied[i] != p[i] : !std::isnan(copied[i])) wrong++;
  }
  CHECK_THAT(wrong == 0, std::to_string(wrong) + " values of the copy");
}

}  // namespace

TEST(each_rule_follows_its_definition) {
  on_devices([](Device& device) {
    for (hs_rule rule : {HS_ADAM, HS_LARS, HS_LAMB}) {
      for (size_t count : kSizes) {
        check_rule(device, rule, 0, count, {});
        check_rule(device, rule, 0.1f, count, {});
      }
    }
  });
}

TEST(each_segment_has_norms_rate_decay_and_copy_of_its_own) {
  on_devices([](Device& device) {
    // One that spans several tiles, several in one tile, empty ones, gaps, a frozen one.
    const std::vector<hs_segment> segments = {{0, 5, 0.5f, HS_SEGMENT_COPY, 1},
                                              {16, 40000, 0.25f, HS_SEGMENT_COPY, 0.1f},
                                              {40032, 7, 0.1f, HS_SEGMENT_FROZEN, 1},
                                              {40048, 0, 0, HS_SEGMENT_COPY, 1},
                                              {40048, 33, 0, HS_SEGMENT_NO_DECAY, 2},
                                              {40096, 16, 0.1f, HS_SEGMENT_COPY, 0},
                                              {40112, 9, 0, 0, 0.5f},
                                              {98304, 17000, 0.1f, 0, 1}};
    for (hs_rule rule : kRules) {
      check_rule(device, rule, 0, 98304 + 17000 + 3, segments);
    }
  });
}

TEST(a_rate_of_one_is_no_rate_and_one_of_zero_moves_only_the_moments) {
  on_devices([](Device& device) {
    for (hs_rule rule : kRules) {
      const size_t count = 1056;
      const hs_optimizer_desc desc = describe(rule, 0.1f);
      const std::vector<float> initial = normals(count, 1);
      Arenas plain(device, initial, 1), rated(device, initial, 2);
      Array<hs_segment> whole(device, {{0, 1056, 0.1f, 0, 1}});
      Array<hs_segment> still(device, {{0, 1056, 0.1f, 0, 0}});
      for (uint32_t step = 0; step < 3; step++) {
        for (Arenas* each : {&plain, &rated}) each->gradients.set(normals(count, 10 + step));
        CHECK_OK(plain.step(device.stream(), desc, 0));
        CHECK_OK(rated.step(device.stream(), desc, 0, 0, whole.address(), 1));
      }
      const std::vector<float> expected = plain.parameters.get(), moved = rated.parameters.get();
      CHECK_THAT(std::memcmp(expected.data(), moved.data(), 4 * count) == 0,
                 "rule " + std::to_string(rule));
      const std::vector<float> before = rated.moment1.get();
      CHECK_OK(rated.step(device.stream(), desc, 0, 0, still.address(), 1));
      CHECK_THAT(rated.parameters.get() == moved, "rule " + std::to_string(rule));
      CHECK_THAT(rated.moment1.get() != before, "rule " + std::to_string(rule));
    }
  });
}

TEST(without_a_state_the_description_gives_the_step) {
  on_devices([](Device& device) {
    for (hs_rule rule : {HS_SGD, HS_ADAMW, HS_ADAM, HS_LAMB}) {
      const std::vector<float> initial = normals(1003, 1);
      Arenas arenas(device, initial, 0);
      Model model(initial);
      hs_optimizer_desc desc = describe(rule, 0.1f);
      for (int64_t t = 1; t <= 4; t++) {
        const std::vector<float> g = normals(1003, static_cast<uint32_t>(10 + t), 0.4f);
        arenas.gradients.set(g);
        desc.step = t;
        desc.learning_rate = 0.01f / static_cast<float>(t);
        CHECK_OK(arenas.step(device.stream(), desc, 0));
        model.step(desc, 0, 1003, 1, 0.1f, false, g, 1, t);
        std::vector<Expected> expected;
        for (double p : model.p) {
          expected.push_back({p, static_cast<double>(t) * kUnit * (4 * std::abs(p) + 1)});
        }
        check_close(arenas.parameters.get(), expected, HS_F32,
                    "rule " + std::to_string(rule) + ", t = " + std::to_string(t));
      }
    }
  });
}

TEST(eps_can_be_added_before_debiasing) {
  on_devices([](Device& device) {
    for (hs_rule rule : {HS_ADAM, HS_ADAMW}) {
      const std::vector<float> initial = normals(515, 1);
      Arenas arenas(device, initial, 0);
      Model model(initial), other(initial);
      hs_optimizer_desc desc = describe(rule, 0.1f), after = desc;
      desc.eps = after.eps = 0.01f;  // far more than usual, so that its place matters
      desc.eps_before_debiasing = 1;
      for (int64_t t = 1; t <= 4; t++) {
        const std::vector<float> g = normals(515, static_cast<uint32_t>(10 + t), 0.4f);
        arenas.gradients.set(g);
        desc.step = after.step = t;
        CHECK_OK(arenas.step(device.stream(), desc, 0));
        model.step(desc, 0, 515, 1, 0.1f, false, g, 1, t);
        other.step(after, 0, 515, 1, 0.1f, false, g, 1, t);
      }
      std::vector<Expected> expected;
      double apart = 0;
      for (size_t i = 0; i < model.p.size(); i++) {
        expected.push_back({model.p[i], 4 * kUnit * (4 * std::abs(model.p[i]) + 1)});
        apart = std::max(apart, std::abs(model.p[i] - other.p[i]));
      }
      check_close(arenas.parameters.get(), expected, HS_F32, "rule " + std::to_string(rule));
      CHECK(apart > 1e-3);
    }
  });
}

TEST(the_workspace_receives_the_norms) {
  on_devices([](Device& device) {
    Arenas arenas(device, std::vector<float>(16, 0), 2);
    std::vector<float> p(16), g(16);
    p[0] = 3;
    p[1] = 4;
    g[0] = 6;
    g[1] = 8;
    g[15] = 1;
    arenas.parameters.set(p);
    arenas.gradients.set(g);
    Array<hs_segment> segments(device, {{0, 2, 0.1f, 0, 1}, {15, 1, 0.1f, 0, 1}});
    CHECK_OK(arenas.step(device.stream(), describe(HS_LARS, 0), 0, 0, segments.address(), 2));
    CHECK(arenas.workspace.get() == std::vector<double>({5, 0, 10, 1}));
  });
}

TEST(a_norm_of_zero_or_what_decay_leaves_out_is_sgd_to_lars) {
  on_devices([](Device& device) {
    for (const bool zero : {true, false}) {
      Arenas arenas(device, std::vector<float>(3, zero ? 0.0f : 1.0f), 1);
      arenas.gradients.set({1, 2, 3});
      Array<hs_segment> segments(device, {{0, 3, 0, zero ? 0 : HS_SEGMENT_NO_DECAY, 1}});
      CHECK_OK(arenas.step(device.stream(), describe(HS_LARS, 0), 0, 0, segments.address(), 1));
      std::vector<float> expected;
      for (float g : {1.0f, 2.0f, 3.0f}) expected.push_back((zero ? 0 : 1.0f) - 0.01f * g);
      check_close(arenas.parameters.get(),
                  {{expected[0], 1e-7}, {expected[1], 1e-7}, {expected[2], 1e-7}}, HS_F32, "lars");
    }
  });
}

TEST(a_step_that_is_not_finite_moves_nothing) {
  on_devices([](Device& device) {
    for (hs_rule rule : {HS_ADAM, HS_LARS, HS_LAMB}) {
      Arenas arenas(device, {1, 2, 3}, 0);
      arenas.gradients.set({1, kNaN, 3});
      hs_step_state state{};
      state.nonfinite = 1;
      Array<hs_step_state> memory(device, std::vector{state});
      hs_optimizer_desc desc = describe(rule, 0.1f);
      desc.checked = 1;
      CHECK_OK(arenas.step(device.stream(), desc, memory.address()));
      CHECK(arenas.parameters.get() == std::vector<float>({1, 2, 3}));
      CHECK(arenas.moment1.get() == std::vector<float>(3) &&
            arenas.moment2.get() == std::vector<float>(3));
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t count = 300007;
    const std::vector<float> initial = normals(count, 8);
    Array<hs_segment> segments(device, {{0, 100000, 0.1f, 0, 1}, {100000, 200007, 0.2f, 0, 0.5f}});
    for (hs_rule rule : {HS_ADAM, HS_LARS, HS_LAMB}) {
      Arenas arenas(device, initial, 2);
      arenas.gradients.set(normals(count, 9));
      check_same_everywhere(
          device,
          [&](hs_stream stream) {
            CHECK_OK(arenas.step(stream, describe(rule, 0.1f), 0, 0, segments.address(), 2));
          },
          [&] {
            const std::vector<float> result = arenas.parameters.get();
            arenas.parameters.set(initial);
            arenas.moment1.set(std::vector<float>(count));
            arenas.moment2.set(std::vector<float>(count));
            return result;
          });
    }
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    const hs_ptr at = x.address();
    const auto call = [&](const hs_optimizer_desc& d, hs_ptr m1, hs_ptr m2, hs_ptr workspace) {
      return hs_optimizer_step(device.stream(), &d, 4, at, at, m1, m2, 0, 0, 0, at, 1, workspace);
    };
    CHECK_REFUSED(call(describe(HS_ADAM, 0), at, 0, 0), "need moment1 and moment2");
    CHECK_REFUSED(call(describe(HS_LAMB, 0), 0, at, at), "need moment1 and moment2");
    CHECK_REFUSED(call(describe(HS_LAMB, 0), at, at, 0), "need the workspace, F64 [2, 1]");
    CHECK_REFUSED(call(describe(HS_LARS, 0), at, 0, 0), "need the workspace, F64 [2, 1]");
    CHECK_REFUSED(call(describe(HS_LARS, 0), 0, 0, at), "LARS needs moment1");
    hs_optimizer_desc bad = describe(HS_LARS, 0);
    bad.trust = 0;
    CHECK_REFUSED(call(bad, at, 0, at), "trust 0");
    bad = describe(HS_LAMB, 0);
    bad.eps = -1;
    CHECK_REFUSED(call(bad, at, at, at), "eps -1");
    bad = describe(HS_ADAM, 0);
    bad.step = -1;
    CHECK_REFUSED(call(bad, at, at, 0), "step -1 is negative");
    bad = describe(HS_LAMB, 0);
    bad.eps_before_debiasing = 1;
    CHECK_REFUSED(call(bad, at, at, at), "for Adam and AdamW");
    bad.rule = 5;
    CHECK_REFUSED(call(bad, at, at, at), "5 is not an hs_rule");
  });
}

KERNEL_TEST_MAIN()
