package dev.halfstep.internal;

import dev.halfstep.bindings.hs_schedule_row;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Loader;

/** A writer of {@code hs_schedule_row}: row {@code index} of a host buffer of native order. */
public final class ScheduleRow {
  /** Bytes of a row. */
  public static final int BYTES = size();

  private static final int LEARNING_RATE = Loader.offsetof(hs_schedule_row.class, "learning_rate");
  private static final int MOMENTUM = Loader.offsetof(hs_schedule_row.class, "momentum");

  private ScheduleRow() {}

  private static int size() {
    Native.load();
    return Loader.sizeof(hs_schedule_row.class);
  }

  /** Sets a row; momentum is Adam's beta1. */
  public static void put(ByteBuffer rows, int index, float learningRate, float momentum) {
    rows.putFloat(index * BYTES + LEARNING_RATE, learningRate);
    rows.putFloat(index * BYTES + MOMENTUM, momentum);
  }
}
