// Ends a micro-batch or a step: counters, the record of the step, the loss scale.
#include "numerics/step.h"

#include "cpu/kernels/kernels.h"

namespace hs::cpu::HS_ISA {

void micro_step_end(const MicroStepEndArgs& args) { end_micro_step(*args.state, args.rows); }

void step_end(const StepEndArgs& args) {
  end_step(*args.state, args.schedule, args.scaling ? &args.scaler : nullptr, args.ring,
           args.capacity);
}

}  // namespace hs::cpu::HS_ISA
