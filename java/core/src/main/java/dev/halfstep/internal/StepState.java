package dev.halfstep.internal;

import dev.halfstep.bindings.hs_step_state;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Loader;

/**
 * Offsets in bytes of the fields of {@code hs_step_state}, taken from the bindings, and methods
 * that read the fields from a copy of the struct in a host buffer of native order.
 */
public final class StepState {
  /** Bytes of the state. */
  public static final int BYTES = size();

  public static final int STEP = offset("step");
  public static final int PERFORMED = offset("performed");
  public static final int MICRO_STEP = offset("micro_step");
  public static final int CURSOR = offset("cursor");
  public static final int SCHEDULE_BASE = offset("schedule_base");
  public static final int SCHEDULE_ROWS = offset("schedule_rows");
  public static final int LOSS_SUM = offset("loss_sum");
  public static final int WEIGHT = offset("weight");
  public static final int CORRECT = offset("correct");
  public static final int ROWS = offset("rows");
  public static final int LOSS_SCALE = offset("loss_scale");
  public static final int GROWTH_TRACKER = offset("growth_tracker");
  public static final int SKIPPED_IN_ROW = offset("skipped_in_row");
  public static final int NONFINITE = offset("nonfinite");
  public static final int GRADIENT_NORM = offset("gradient_norm");
  public static final int MULTIPLIER = offset("multiplier");
  public static final int ERROR = offset("error");

  private StepState() {}

  private static int size() {
    Native.load();
    return Loader.sizeof(hs_step_state.class);
  }

  private static int offset(String field) {
    return Loader.offsetof(hs_step_state.class, field);
  }

  /** Steps begun and ended, performed or skipped. */
  public static long step(ByteBuffer state) {
    return state.getLong(STEP);
  }

  /** Optimizer steps performed. */
  public static long performed(ByteBuffer state) {
    return state.getLong(PERFORMED);
  }

  /** Where the next micro-batch begins in the order of the samples. */
  public static long cursor(ByteBuffer state) {
    return state.getLong(CURSOR);
  }

  /** Sum of weighted losses since the sums were cleared. */
  public static double lossSum(ByteBuffer state) {
    return state.getDouble(LOSS_SUM);
  }

  /** Sum of weights. */
  public static double weight(ByteBuffer state) {
    return state.getDouble(WEIGHT);
  }

  /** Rows whose largest logit is the label's. */
  public static double correct(ByteBuffer state) {
    return state.getDouble(CORRECT);
  }

  /** Rows that were not ignored. */
  public static double rows(ByteBuffer state) {
    return state.getDouble(ROWS);
  }

  /** The sticky HS_ERROR_ bits. */
  public static int error(ByteBuffer state) {
    return state.getInt(ERROR);
  }
}
