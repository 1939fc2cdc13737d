package dev.halfstep.session;

import static dev.halfstep.bindings.Native.HS_ERROR_INDEX;
import static dev.halfstep.bindings.Native.HS_ERROR_LABEL;
import static dev.halfstep.bindings.Native.HS_ERROR_SCHEDULE;

/**
 * The errors that kernels leave in a step's state. From the step with the error on, no step updates
 * anything until the error is cleared.
 */
final class StepErrors {
  private StepErrors() {}

  /** Throws the exception for the bits; does nothing if no bit is set. */
  static void check(int bits) {
    if ((bits & HS_ERROR_LABEL) != 0) {
      throw new IllegalArgumentException(
          "a label was outside the model's classes: labels count from 0, and the model's last layer"
              + " needs an output for each class");
    }
    if ((bits & HS_ERROR_INDEX) != 0) {
      throw new IllegalArgumentException("an index of a sample or a token was outside its table");
    }
    if ((bits & HS_ERROR_SCHEDULE) != 0) {
      throw new IllegalStateException("a step had no learning rate in the schedule");
    }
  }
}
