package dev.halfstep.session;

import dev.halfstep.internal.StepState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Everything that training changes on the device, between two steps: the part of a session that a
 * checkpoint stores ({@link TrainingSession#state()}). Arrays are not copied.
 */
public final class SessionState {
  private final float[] weights;
  private final float @Nullable [] moment1;
  private final float @Nullable [] moment2;
  private final float @Nullable [] average;
  private final byte[] counters;

  /**
   * A state from saved arrays.
   *
   * @param weights laid out by {@code model.parameters()}, as are the other arrays
   * @param moment1 the optimizer's first moments; null if it has none
   * @param moment2 the optimizer's second moments; null if it has none
   * @param average the accumulated moving average of the weights; null if there is none
   * @param counters the bytes that {@link #counters} returned
   */
  public SessionState(
      float[] weights,
      float @Nullable [] moment1,
      float @Nullable [] moment2,
      float @Nullable [] average,
      byte[] counters) {
    this.weights = weights;
    this.moment1 = moment1;
    this.moment2 = moment2;
    this.average = average;
    this.counters = counters;
  }

  /** The weights, laid out by {@code model.parameters()}, as are the other arrays. */
  public float[] weights() {
    return weights;
  }

  /** The optimizer's first moments; null if it has none. */
  public float @Nullable [] moment1() {
    return moment1;
  }

  /** The optimizer's second moments; null if it has none. */
  public float @Nullable [] moment2() {
    return moment2;
  }

  /** The accumulated moving average of the weights; null if there is none. */
  public float @Nullable [] average() {
    return average;
  }

  /** The bytes of {@code hs_step_state}: counters, loss scale, position in the data. */
  public byte[] counters() {
    return counters;
  }

  /**
   * How many steps were made, skipped ones included.
   *
   * @throws IllegalArgumentException if the counters are not those of this version
   */
  public long steps() {
    return StepState.step(buffer());
  }

  /**
   * How many updates were performed: steps without those that were skipped.
   *
   * @throws IllegalArgumentException if the counters are not those of this version
   */
  public long updates() {
    return StepState.performed(buffer());
  }

  private ByteBuffer buffer() {
    StepCounters.requireLength(counters);
    return ByteBuffer.wrap(counters).order(ByteOrder.nativeOrder());
  }

  /**
   * Checks that a session with these options can continue from this state.
   *
   * @throws IllegalArgumentException if an array is missing, not used or of another length, or no
   *     run can reach these counters
   */
  public void requireFitting(SessionOptions options) {
    long size = options.model().parameters().arenaSize();
    requireArray("weights", weights, true, size);
    requireArray("first moments", moment1, options.optimizer().moments() > 0, size);
    requireArray("second moments", moment2, options.optimizer().moments() > 1, size);
    requireArray("an average of the weights", average, options.averageDecay() > 0, size);
    StepCounters.require(counters, options.lossScaling());
  }

  private static void requireArray(
      String what, float @Nullable [] values, boolean needed, long length) {
    if ((values != null) != needed) {
      throw new IllegalArgumentException(
          needed
              ? "the checkpoint lacks " + what + ", which this run keeps: resume with its options"
              : "the checkpoint has "
                  + what
                  + ", which this run does not keep: resume with its options");
    }
    if (values != null && values.length != length) {
      throw new IllegalArgumentException(
          "the checkpoint has "
              + what
              + " of "
              + values.length
              + " numbers, and the model has "
              + length
              + ": resume with the model that the run began with");
    }
  }
}
