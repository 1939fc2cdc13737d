// How a training step advances hs_step_state: its counters, the row of the schedule, the multiplier
// that unscales the gradients, and dynamic loss scaling. One thread runs these functions, on the
// host or on the device.
#ifndef HALFSTEP_NUMERICS_STEP_H
#define HALFSTEP_NUMERICS_STEP_H

#include "halfstep.h"
#include "numerics/host_device.h"

namespace hs {

// The index of a counter in a ring of `size` entries. A negative counter, which only a damaged
// state has, gets an index inside the ring too.
HS_HOST_DEVICE int64_t ring_place(int64_t counter, int64_t size) {
  const int64_t place = counter % size;
  return place < 0 ? place + size : place;
}

// The factor that turns the stored gradients into those of the mean loss. If all rows of a step
// were ignored, its weight is 0 and its gradients are 0, and the factor 0 keeps them so.
HS_HOST_DEVICE float unscale_multiplier(float weight_units, double weight, float loss_scale) {
  return weight == 0 ? 0.0f : static_cast<float>(weight_units / (weight * loss_scale));
}

// The schedule's row for this step, or null if it has none.
HS_HOST_DEVICE const hs_schedule_row* schedule_row(const hs_step_state& state,
                                                   const hs_schedule_row* schedule) {
  const int64_t row = state.performed - state.schedule_base;
  return row >= 0 && row < state.schedule_rows ? schedule + row : nullptr;
}

// Writes the results of a pass over the gradients to the state. `norm_squared` is that of the
// stored gradients, before unscaling, and not finite if one of them is not; `norm` is its square
// root.
HS_HOST_DEVICE void end_gradient_check(hs_step_state& state, double norm_squared, double norm,
                                       float weight_units, float max_norm) {
  const float multiplier = unscale_multiplier(weight_units, state.weight, state.loss_scale);
  const double unscaled = norm * multiplier;
  state.nonfinite = norm_squared - norm_squared == 0 ? 0 : 1;
  state.gradient_norm = static_cast<float>(unscaled);
  state.multiplier = max_norm > 0 && unscaled > max_norm
                         ? static_cast<float>(multiplier * (max_norm / (unscaled + 1e-6)))
                         : multiplier;
}

HS_HOST_DEVICE void end_micro_step(hs_step_state& state, int64_t rows) {
  state.cursor += rows;
  state.micro_step += 1;
}

// GradScaler's update: lower the scale after each step with gradients that are not finite, raise it
// after `interval` finite steps in a row.
HS_HOST_DEVICE void update_loss_scale(hs_step_state& state, const hs_scaler& scaler) {
  if (state.nonfinite != 0) {
    const float lower = state.loss_scale * scaler.backoff;
    state.loss_scale = lower > scaler.minimum ? lower : scaler.minimum;
    state.growth_tracker = 0;
  } else if (++state.growth_tracker >= scaler.interval) {
    const float higher = state.loss_scale * scaler.growth;
    if (higher - higher == 0) state.loss_scale = higher;  // never to infinity
    state.growth_tracker = 0;
  }
}

// Ends a step. `schedule` and `scaler` may be null. If the schedule has no row for the step, sets
// HS_ERROR_SCHEDULE. While an error bit is set, by this step or an earlier one, the step is skipped
// and the loss scale does not change.
HS_HOST_DEVICE void end_step(hs_step_state& state, const hs_schedule_row* schedule,
                             const hs_scaler* scaler, hs_step_record* ring, int64_t capacity) {
  const hs_schedule_row* row = schedule != nullptr ? schedule_row(state, schedule) : nullptr;
  const bool scheduled = schedule == nullptr || row != nullptr;
  if (!scheduled) state.error |= HS_ERROR_SCHEDULE;
  const bool skipped = state.nonfinite != 0 || state.error != 0;

  hs_step_record& record = ring[ring_place(state.step, capacity)];
  record.step = state.step;
  record.loss_sum = state.loss_sum;
  record.weight = state.weight;
  record.correct = state.correct;
  record.rows = state.rows;
  record.learning_rate = row != nullptr ? row->learning_rate : 0;
  record.loss_scale = state.loss_scale;
  record.gradient_norm = state.gradient_norm;
  record.skipped = skipped ? 1 : 0;

  if (state.error == 0 && scaler != nullptr) update_loss_scale(state, *scaler);
  state.step += 1;
  state.performed += skipped ? 0 : 1;
  state.skipped_in_row = skipped ? state.skipped_in_row + 1 : 0;
  state.loss_sum = state.weight = state.correct = state.rows = 0;
  state.nonfinite = 0;
  state.gradient_norm = 0;
  state.multiplier = 0;
}

}  // namespace hs

#endif  // HALFSTEP_NUMERICS_STEP_H
