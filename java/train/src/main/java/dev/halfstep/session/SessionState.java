package dev.halfstep.session;

import org.jspecify.annotations.Nullable;

/**
 * Everything that training changes on the device, as it is between two steps: what a checkpoint
 * keeps of a session. The arrays are not copied.
 */
public final class SessionState {
  /** Laid out by {@code model.parameters()}, as are the other arrays. */
  public final float[] weights;

  /** What the optimizer keeps for each parameter, if it does. */
  public final float @Nullable [] moment1;

  /** The second of it. */
  public final float @Nullable [] moment2;

  /** The exponential moving average of the weights as it accumulates, if there is one. */
  public final float @Nullable [] average;

  /** The bytes of {@code hs_step_state}: counters, loss scale, position. */
  public final byte[] counters;

  /** Takes the arrays as they are. */
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
}
