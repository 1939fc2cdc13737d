package dev.halfstep.session;

import dev.halfstep.internal.StepState;
import dev.halfstep.optim.LossScaling;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Checks the bytes of {@code hs_step_state} from a checkpoint before a step uses them: the step
 * computes from them where it writes in memory.
 */
final class StepCounters {
  /** More than any run reaches, and far below overflow. */
  private static final long MOST = 1L << 62;

  private StepCounters() {}

  /** Throws IllegalArgumentException unless the bytes have the length of the state. */
  static void requireLength(byte[] bytes) {
    if (bytes.length != StepState.BYTES) {
      throw new IllegalArgumentException(
          "the counters of a run are "
              + StepState.BYTES
              + " bytes in this version, not "
              + bytes.length);
    }
  }

  /**
   * Checks a state.
   *
   * @param scaling the loss scaling of the run to continue; null if it has none
   * @throws IllegalArgumentException if a state cannot have these values between two steps
   */
  static void require(byte[] bytes, @Nullable LossScaling scaling) {
    requireLength(bytes);
    ByteBuffer state = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    long step = StepState.step(state);
    long mostSkips = scaling == null ? Integer.MAX_VALUE : scaling.maxSkips();
    require("steps", step, 0, MOST);
    require("updates", StepState.performed(state), 0, step);
    require("micro-batches", state.getLong(StepState.MICRO_STEP), step, MOST);
    require("position", StepState.cursor(state), 0, MOST);
    require("first row of the schedule", state.getLong(StepState.SCHEDULE_BASE), 0, step);
    require("rows of the schedule", state.getLong(StepState.SCHEDULE_ROWS), 0, MOST);
    require(
        "finite steps in a row",
        state.getInt(StepState.GROWTH_TRACKER),
        0,
        scaling == null ? 0 : scaling.interval() - 1L);
    require(
        "skipped steps in a row",
        state.getInt(StepState.SKIPPED_IN_ROW),
        0,
        Math.min(step, mostSkips));
    float scale = state.getFloat(StepState.LOSS_SCALE);
    if (!(scale > 0) || Float.isInfinite(scale) || (scaling == null && scale != 1)) {
      throw impossible("loss scale", Float.toString(scale));
    }
    // The sums of a single step are 0 between steps.
    int[] sums = {StepState.LOSS_SUM, StepState.WEIGHT, StepState.CORRECT, StepState.ROWS};
    for (int sum : sums) {
      require("sums of a step", state.getLong(sum), 0, 0);
    }
    int[] passing = {StepState.NONFINITE, StepState.GRADIENT_NORM, StepState.MULTIPLIER};
    for (int field : passing) {
      require("results of a step", state.getInt(field), 0, 0);
    }
    require("errors", StepState.error(state), 0, 0);
  }

  private static void require(String what, long value, long least, long most) {
    if (value < least || value > most) {
      throw impossible(what, Long.toString(value));
    }
  }

  private static IllegalArgumentException impossible(String what, String value) {
    return new IllegalArgumentException(
        "its counters say what no run comes to: " + what + " " + value);
  }
}
