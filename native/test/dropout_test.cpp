// Dropout against Philox, one word at a time.
#include "compare.h"
#include "numerics/philox.h"

using namespace hs::test;

namespace {

// Some sizes, odd ones and multiples of vectors among both, at odd addresses.
size_t shift_of(size_t count) { return count % 5 % 2; }

// Element i as the header defines it.
bool is_kept(size_t i, float rate, uint64_t seed, uint32_t operation, int64_t micro_step) {
  const uint64_t sequence = static_cast<uint64_t>(micro_step) << 32 | operation;
  const uint32_t word = hs::philox(i / 4, sequence, seed).word[i % 4];
  return static_cast<double>(word) >= static_cast<double>(rate) * 0x1p32;
}

hs_step_state state_at(int64_t micro_step) {
  hs_step_state state{};
  state.micro_step = micro_step;
  return state;
}

}  // namespace

TEST(keeps_what_philox_says) {
  on_devices([](Device& device) {
    for (const StorageType& type : kStorageTypes) {
      for (size_t count : kSizes) {
        for (float rate : {0.0f, 0.1f, 0.5f, 0.9f}) {
          const uint64_t seed = 0x123456789abcdefull;
          const int64_t micro_step = 5;
          Array<hs_step_state> state(device, std::vector{state_at(micro_step)});
          StorageArray x(device, type.type, normals(count, 1), shift_of(count));
          StorageArray y(device, type.type, count, shift_of(count));
          const auto call = [&](hs_ptr out) {
            CHECK_OK(hs_dropout(device.stream(), type.type, static_cast<int64_t>(count), rate, seed,
                                77, state.address(), x.address(), out));
          };
          call(y.address());
          const std::vector<float> xs = x.get();
          std::vector<Expected> expected;
          for (size_t i = 0; i < count; i++) {
            const bool kept = is_kept(i, rate, seed, 77, micro_step);
            const double value = kept ? xs[i] / (1 - static_cast<double>(rate)) : 0;
            expected.push_back({value, 2 * kUnit * std::abs(value)});
          }
          const std::vector<float> ys = y.get();
          check_close(ys, expected, type.type, "rate " + std::to_string(rate));
          call(x.address());
          CHECK(same_bits(x.get(), ys));
        }
      }
    }
  });
}

TEST(drops_the_given_share_and_differs_by_seed_operation_and_step) {
  on_devices([](Device& device) {
    const size_t count = 100000;
    Array<float> x(device, std::vector<float>(count, 1)), y(device, count);
    Array<hs_step_state> state(device, std::vector{state_at(0)});
    const auto draw = [&](uint64_t seed, uint32_t operation, int64_t micro_step) {
      state.set({state_at(micro_step)});
      CHECK_OK(hs_dropout(device.stream(), HS_F32, count, 0.25f, seed, operation, state.address(),
                          x.address(), y.address()));
      return y.get();
    };
    const std::vector<float> first = draw(1, 2, 3);
    double dropped = 0;
    for (float v : first) dropped += v == 0 ? 1 : 0;
    // Five deviations of the binomial distribution.
    CHECK(std::abs(dropped - 25000) < 5 * std::sqrt(count * 0.25 * 0.75));
    CHECK(same_bits(draw(1, 2, 3), first));
    CHECK(!same_bits(draw(2, 2, 3), first));
    CHECK(!same_bits(draw(1, 3, 3), first));
    CHECK(!same_bits(draw(1, 2, 4), first));
  });
}

TEST(a_dropped_value_is_zero_even_if_it_was_not_finite) {
  on_devices([](Device& device) {
    Array<float> x(device, std::vector<float>(64, kNaN)), y(device, 64);
    Array<hs_step_state> state(device, std::vector{state_at(0)});
    CHECK_OK(hs_dropout(device.stream(), HS_F32, 64, 0.5f, 1, 1, state.address(), x.address(),
                        y.address()));
    const std::vector<float> ys = y.get();
    for (size_t i = 0; i < 64; i++) {
      CHECK(is_kept(i, 0.5f, 1, 1, 0) ? std::isnan(ys[i]) : ys[i] == 0);
    }
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const size_t count = 100008;
    Array<float> x(device, normals(count, 1)), y(device, count);
    Array<hs_step_state> state(device, std::vector{state_at(1)});
    check_same_everywhere(
        device,
        [&](hs_stream s) {
          CHECK_OK(
              hs_dropout(s, HS_F32, count, 0.3f, 7, 1, state.address(), x.address(), y.address()));
        },
        [&] { return y.get(); });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    Array<hs_step_state> state(device, std::vector{state_at(0)});
    const hs_ptr at = memory.address(), st = state.address();
    hs_stream s = device.stream();
    CHECK_REFUSED(hs_dropout(s, HS_F32, 4, 1, 1, 1, st, at, at), "rate 1 is not in [0, 1)");
    CHECK_REFUSED(hs_dropout(s, HS_F32, 4, kNaN, 1, 1, st, at, at), "rate nan");
    CHECK_REFUSED(hs_dropout(s, HS_F32, 4, 0.5f, 1, 1, 0, at, at), "state is 0");
  });
}

KERNEL_TEST_MAIN()
