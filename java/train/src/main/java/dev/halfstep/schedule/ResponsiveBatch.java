package dev.halfstep.schedule;

import dev.halfstep.metric.GradientNoise;

/**
 * A batch size that follows the gradient noise scale, which is measured after each epoch. After
 * {@code patience} epochs in a row in which the batch was below {@code scale / band} it doubles; if
 * it was above {@code scale * band} it halves. Otherwise, or if the scale could not be measured, it
 * does not change. Without this band the batch size would follow the measurement noise.
 *
 * <p>It begins with the trainer's batch size. The learning rate follows by {@link
 * LearningRateScaling}, if one is given.
 *
 * @param least the smallest batch, at least 1
 * @param most the largest batch, for which the session allocates its memory
 * @param band above the square root of 2, so that a batch that has just doubled is not halved again
 * @param patience epochs in a row, at least 1
 * @param smoothing of the two estimates by an exponential moving average, in [0, 1)
 */
public record ResponsiveBatch(int least, int most, double band, int patience, double smoothing) {
  /** Checks the numbers. */
  public ResponsiveBatch {
    if (least < 1
        || most < least
        || !(band > Math.sqrt(2))
        || patience < 1
        || !(smoothing >= 0 && smoothing < 1)) {
      throw new IllegalArgumentException(
          "a responsive batch needs 1 <= least <= most, a band above 1.42, patience of at least 1"
              + " and smoothing in [0, 1): it was given "
              + least
              + ", "
              + most
              + ", "
              + band
              + ", "
              + patience
              + " and "
              + smoothing);
    }
  }

  /** A batch size in [least, most], with a band of 2, patience 2 and smoothing 0.5. */
  public static ResponsiveBatch between(int least, int most) {
    return new ResponsiveBatch(least, most, 2, 2, 0.5);
  }

  /** The same with another band. */
  public ResponsiveBatch withBand(double band) {
    return new ResponsiveBatch(least, most, band, patience, smoothing);
  }

  /** The same with another patience. */
  public ResponsiveBatch withPatience(int epochs) {
    return new ResponsiveBatch(least, most, band, epochs, smoothing);
  }

  /** The same with another smoothing. */
  public ResponsiveBatch withSmoothing(double smoothing) {
    return new ResponsiveBatch(least, most, band, patience, smoothing);
  }

  /**
   * The state that a run keeps from epoch to epoch.
   *
   * @param batchSize of the next epoch
   * @param variance the moving average of tr(S), not debiased, because the bias cancels in the
   *     ratio
   * @param square the moving average of |G|^2, likewise
   * @param says the number of epochs in a row that asked for a larger batch; negative if they asked
   *     for a smaller one
   */
  public record State(int batchSize, double variance, double square, int says) {}

  /** Before the first epoch. */
  public State begin(int batchSize) {
    return new State(Math.max(least, Math.min(most, batchSize)), 0, 0, 0);
  }

  /** The state after an epoch with this measurement. */
  public State next(State state, GradientNoise measured) {
    if (!Double.isFinite(measured.variance()) || !Double.isFinite(measured.squaredGradient())) {
      return new State(state.batchSize, state.variance, state.square, 0);
    }
    double variance = smoothing * state.variance + (1 - smoothing) * measured.variance();
    double square = smoothing * state.square + (1 - smoothing) * measured.squaredGradient();
    GradientNoise noise = new GradientNoise(variance, square);
    int batch = state.batchSize;
    double scale = noise.scale().orElse(batch);
    int says = 0;
    if (batch < scale / band && batch < most) {
      says = Math.max(state.says, 0) + 1;
    } else if (batch > scale * band && batch > least) {
      says = Math.min(state.says, 0) - 1;
    }
    if (Math.abs(says) < patience) {
      return new State(batch, variance, square, says);
    }
    int next = says > 0 ? (int) Math.min(most, 2L * batch) : Math.max(least, batch / 2);
    return new State(next, variance, square, 0);
  }
}
