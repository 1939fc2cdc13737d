// The end of micro-batches and steps: counters, records, loss scaling.
#include <initializer_list>

#include "device.h"
#include "numerics/optimizer.h"

using namespace hs::test;

namespace {

hs_step_state fresh_state() {
  hs_step_state state{};
  state.loss_scale = 1;
  return state;
}

hs_step_state read(const Array<hs_step_state>& state) { return state.get()[0]; }

}  // namespace

TEST(the_loss_scale_follows_the_definition) {
  on_devices([](Device& device) {
    hs_step_state state = fresh_state();
    state.loss_scale = 65536;
    Array<hs_step_state> memory(device, std::vector{state});
    Array<hs_step_record> ring(device, 16);
    const hs_scaler scaler{2, 0.5f, 3, 1};
    const float expected[] = {32768, 32768, 32768, 65536, 65536, 32768, 32768, 32768, 65536};
    const int overflows[] = {1, 0, 0, 0, 0, 1, 0, 0, 0};
    int64_t performed = 0;
    for (int i = 0; i < 9; i++) {
      state = read(memory);
      state.nonfinite = overflows[i];
      memory.set({state});
      CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, &scaler, ring.address(), 16));
      state = read(memory);
      performed += overflows[i] ? 0 : 1;
      CHECK_THAT(state.loss_scale == expected[i], "step " + std::to_string(i));
      CHECK(state.step == i + 1 && state.performed == performed);
      CHECK(state.skipped_in_row == overflows[i] && state.nonfinite == 0);
      CHECK(ring.get()[static_cast<size_t>(i)].skipped == overflows[i]);
    }
  });
}

TEST(the_loss_scale_has_a_floor_and_never_becomes_infinite) {
  on_devices([](Device& device) {
    hs_step_state state = fresh_state();
    state.loss_scale = 4;
    Array<hs_step_state> memory(device, std::vector{state});
    Array<hs_step_record> ring(device, 1);
    const hs_scaler scaler{2, 0.5f, 1, 2};
    for (int i = 0; i < 3; i++) {
      state = read(memory);
      state.nonfinite = 1;
      memory.set({state});
      CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, &scaler, ring.address(), 1));
    }
    CHECK(read(memory).loss_scale == 2 && read(memory).skipped_in_row == 3);
    state = read(memory);
    state.loss_scale = 0x1p127f;
    memory.set({state});
    CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, &scaler, ring.address(), 1));
    CHECK(read(memory).loss_scale == 0x1p127f && read(memory).skipped_in_row == 0);
  });
}

TEST(without_a_scaler_the_scale_stays_but_a_step_that_is_not_finite_is_skipped) {
  on_devices([](Device& device) {
    hs_step_state state = fresh_state();
    state.nonfinite = 1;
    Array<hs_step_state> memory(device, std::vector{state});
    Array<hs_step_record> ring(device, 1);
    CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, nullptr, ring.address(), 1));
    CHECK(read(memory).loss_scale == 1 && read(memory).performed == 0 && read(memory).step == 1);
  });
}

TEST(a_step_leaves_its_record_and_clears_its_sums) {
  on_devices([](Device& device) {
    hs_step_state state = fresh_state();
    state.step = 7;
    state.performed = 5;
    state.schedule_base = 4;
    state.schedule_rows = 2;
    state.loss_sum = 12.5;
    state.weight = 3;
    state.correct = 2;
    state.rows = 4;
    state.loss_scale = 8;
    state.gradient_norm = 1.5f;
    state.multiplier = 0.25f;
    Array<hs_step_state> memory(device, std::vector{state});
    Array<hs_schedule_row> schedule(device, {{0.5f, 0.9f}, {0.25f, 0.8f}});
    Array<hs_step_record> ring(device, 3);
    CHECK_OK(hs_step_end(device.stream(), memory.address(), schedule.address(), nullptr,
                         ring.address(), 3));
    const hs_step_record record = ring.get()[7 % 3];
    CHECK(record.step == 7 && record.loss_sum == 12.5 && record.weight == 3);
    CHECK(record.correct == 2 && record.rows == 4 && record.learning_rate == 0.25f);
    CHECK(record.loss_scale == 8 && record.gradient_norm == 1.5f && record.skipped == 0);
    state = read(memory);
    CHECK(state.step == 8 && state.performed == 6 && state.error == 0);
    CHECK(state.loss_sum == 0 && state.weight == 0 && state.correct == 0 && state.rows == 0);
    CHECK(state.gradient_norm == 0 && state.nonfinite == 0);
  });
}

TEST(a_step_without_a_row_in_the_schedule_is_skipped_and_says_so) {
  on_devices([](Device& device) {
    for (int64_t performed : {3, 6}) {  // the schedule holds rows for 4 and 5
      hs_step_state state = fresh_state();
      state.performed = performed;
      state.schedule_base = 4;
      state.schedule_rows = 2;
      state.loss_scale = 16;
      Array<hs_step_state> memory(device, std::vector{state});
      Array<hs_schedule_row> schedule(device, {{0.5f, 0.9f}, {0.25f, 0.8f}});
      Array<hs_step_record> ring(device, 1);
      const hs_scaler scaler{2, 0.5f, 1, 1};
      CHECK_OK(hs_step_end(device.stream(), memory.address(), schedule.address(), &scaler,
                           ring.address(), 1));
      state = read(memory);
      CHECK(state.error == HS_ERROR_SCHEDULE && state.performed == performed && state.step == 1);
      CHECK(state.loss_scale == 16 && ring.get()[0].skipped == 1);
    }
  });
}

TEST(a_negative_count_of_steps_stays_within_the_ring) {
  on_devices([](Device& device) {
    hs_step_state state = fresh_state();
    state.step = -2;
    Array<hs_step_state> memory(device, std::vector{state});
    Array<hs_step_record> ring(device, std::vector<hs_step_record>(3));
    CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, nullptr, ring.address(), 3));
    CHECK(ring.get()[1].step == -2 && ring.get()[0].step == 0 && ring.get()[2].step == 0);
    CHECK(read(memory).step == -1);
  });
}

TEST(a_step_with_an_error_is_skipped_until_the_error_is_cleared) {
  on_devices([](Device& device) {
    for (uint32_t error : {HS_ERROR_LABEL, HS_ERROR_INDEX, HS_ERROR_SCHEDULE}) {
      hs_step_state state = fresh_state();
      state.error = error;
      state.nonfinite = 1;  // with an error set, a NaN loss must not change the scale
      state.loss_scale = 16;
      Array<hs_step_state> memory(device, std::vector{state});
      Array<hs_step_record> ring(device, 2);
      const hs_scaler scaler{2, 0.5f, 1, 1};
      CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, &scaler, ring.address(), 2));
      state = read(memory);
      CHECK(state.error == error && state.performed == 0 && state.step == 1);
      CHECK(state.loss_scale == 16 && ring.get()[0].skipped == 1);
      state.error = 0;
      memory.set({state});
      CHECK_OK(hs_step_end(device.stream(), memory.address(), 0, &scaler, ring.address(), 2));
      CHECK(read(memory).performed == 1 && ring.get()[1].skipped == 0);
    }
  });
}

TEST(a_micro_batch_advances_the_cursor) {
  on_devices([](Device& device) {
    hs_step_state state = fresh_state();
    state.cursor = 10;
    Array<hs_step_state> memory(device, std::vector{state});
    hs_list list = nullptr;
    CHECK_OK(hs_capture_begin(device.stream()));
    CHECK_OK(hs_micro_step_end(device.stream(), memory.address(), 32));
    CHECK_OK(hs_capture_end(device.stream(), &list));
    CHECK(read(memory).cursor == 10);
    CHECK_OK(hs_list_launch(device.stream(), list, 3));
    CHECK(read(memory).cursor == 106 && read(memory).micro_step == 3 && read(memory).step == 0);
  });
}

TEST(powers_are_those_of_repeated_squaring) {
  CHECK(hs::power(0.5, 0) == 1 && hs::power(0.5, 1) == 0.5 && hs::power(0.5, 10) == 0x1p-10);
  CHECK(hs::power(0.0, 1) == 0 && hs::power(3, 5) == 243);
  for (int64_t t : {1, 2, 3, 17, 1000, 123456, 100000000}) {
    const double expected = std::pow(0.999, static_cast<double>(t));
    CHECK(std::abs(hs::power(0.999, t) - expected) <= 1e-7 * expected + 1e-300);
  }
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<hs_step_state> memory(device, std::vector{fresh_state()});
    Array<hs_step_record> ring(device, 1);
    hs_stream stream = device.stream();
    const hs_ptr state = memory.address();
    CHECK_REFUSED(hs_micro_step_end(stream, 0, 1), "state is 0");
    CHECK_REFUSED(hs_micro_step_end(stream, state, -1), "rows is -1");
    CHECK_REFUSED(hs_step_end(stream, state, 0, nullptr, 0, 1), "ring is 0");
    CHECK_REFUSED(hs_step_end(stream, state, 0, nullptr, ring.address(), 0), "capacity is 0");
    for (const hs_scaler& scaler : std::initializer_list<hs_scaler>{
             {1, 0.5f, 1, 1}, {2, 1, 1, 1}, {2, 0.5f, 0, 1}, {2, 0.5f, 1, 0}, {kNaN, 0.5f, 1, 1}}) {
      CHECK_REFUSED(hs_step_end(stream, state, 0, &scaler, ring.address(), 1), "growth > 1");
    }
  });
}

TEST_MAIN()
