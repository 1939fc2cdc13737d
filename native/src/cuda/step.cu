// micro_step_end, step_end: one thread advances the state of the training run.
//
// Bytes: under 200. Floor: the latency of a launch. Design: the functions of numerics/step.h, which
// all backends share. Not yet measured on a GPU.
#include "numerics/step.h"

#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace hs::cuda {
namespace {

HS_KERNEL void advance_micro_step(const MicroStepEndArgs args) {
  end_micro_step(*args.state, args.rows);
}

HS_KERNEL void advance_step(const StepEndArgs args) {
  if (args.scaling) {
    end_step(*args.state, args.schedule, &args.scaler, args.ring, args.capacity);
  } else {
    end_step(*args.state, args.schedule, nullptr, args.ring, args.capacity);
  }
}

}  // namespace

hs_status micro_step_end(void* stream, const MicroStepEndArgs& args) {
  return launch(as_stream(stream), {.name = "advance_micro_step"}, advance_micro_step, args);
}

hs_status step_end(void* stream, const StepEndArgs& args) {
  return launch(as_stream(stream), {.name = "advance_step"}, advance_step, args);
}

}  // namespace hs::cuda
