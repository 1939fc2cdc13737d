package dev.halfstep.internal;

import dev.halfstep.bindings.hs_step_record;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Loader;

/**
 * Readers of {@code hs_step_record}, of which the ring of a training run is made: record {@code
 * index} of a copy of the ring in a host buffer of native order.
 */
public final class RingRecord {
  /** Bytes of a record. */
  public static final int BYTES = size();

  private static final int STEP = offset("step");
  private static final int LOSS_SUM = offset("loss_sum");
  private static final int WEIGHT = offset("weight");
  private static final int CORRECT = offset("correct");
  private static final int ROWS = offset("rows");
  private static final int LEARNING_RATE = offset("learning_rate");
  private static final int LOSS_SCALE = offset("loss_scale");
  private static final int GRADIENT_NORM = offset("gradient_norm");
  private static final int SKIPPED = offset("skipped");

  private RingRecord() {}

  private static int size() {
    Native.load();
    return Loader.sizeof(hs_step_record.class);
  }

  private static int offset(String field) {
    return Loader.offsetof(hs_step_record.class, field);
  }

  /** Which step it was, from 0. */
  public static long step(ByteBuffer ring, int index) {
    return ring.getLong(index * BYTES + STEP);
  }

  /** Sum of weighted losses. */
  public static double lossSum(ByteBuffer ring, int index) {
    return ring.getDouble(index * BYTES + LOSS_SUM);
  }

  /** Sum of weights. */
  public static double weight(ByteBuffer ring, int index) {
    return ring.getDouble(index * BYTES + WEIGHT);
  }

  /** Rows whose largest logit was the label's. */
  public static double correct(ByteBuffer ring, int index) {
    return ring.getDouble(index * BYTES + CORRECT);
  }

  /** Rows that were not ignored. */
  public static double rows(ByteBuffer ring, int index) {
    return ring.getDouble(index * BYTES + ROWS);
  }

  /** The learning rate of the step. */
  public static float learningRate(ByteBuffer ring, int index) {
    return ring.getFloat(index * BYTES + LEARNING_RATE);
  }

  /** The loss scale that the step used. */
  public static float lossScale(ByteBuffer ring, int index) {
    return ring.getFloat(index * BYTES + LOSS_SCALE);
  }

  /** The norm of the gradients, 0 where it was not measured. */
  public static float gradientNorm(ByteBuffer ring, int index) {
    return ring.getFloat(index * BYTES + GRADIENT_NORM);
  }

  /** Whether the gradients were not finite and nothing was updated. */
  public static boolean skipped(ByteBuffer ring, int index) {
    return ring.getInt(index * BYTES + SKIPPED) != 0;
  }
}
