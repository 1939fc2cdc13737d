package dev.halfstep.schedule;

import java.util.OptionalDouble;

/**
 * Learning rate and momentum over the course of a run: a pure function of {@link Progress}, so that
 * a resumed run gets the same values as an uninterrupted one. It returns factors; the learning rate
 * of an update is the optimizer's times the factor.
 *
 * <pre>{@code
 * Schedule halveEveryTenEpochs = progress -> Math.pow(0.5, (int) (progress.epoch() / 10));
 * Schedule usual = Schedule.cosine().withWarmUp(500);
 * }</pre>
 *
 * <p>A rate that depends on a metric is not a schedule; {@link Plateau} is a multiplier on top of
 * it.
 */
@FunctionalInterface
public interface Schedule {
  /**
   * The factor of the optimizer's learning rate for one update.
   *
   * @return a finite number that is not negative
   */
  double factor(Progress progress);

  /** The momentum (Adam: beta1) of one update; empty, the default, for the optimizer's momentum. */
  default OptionalDouble momentum(Progress progress) {
    return OptionalDouble.empty();
  }

  /** The optimizer's learning rate throughout. */
  static Schedule constant() {
    return progress -> 1;
  }

  /**
   * Multiplies the rate by {@code factor} after every {@code epochs} epochs (PyTorch's {@code
   * StepLR}).
   *
   * @throws IllegalArgumentException unless epochs is at least 1 and the factor in (0, 1]
   */
  static Schedule step(int epochs, double factor) {
    require(epochs >= 1, "a step schedule needs at least 1 epoch a step, not " + epochs);
    requireFactor("a step schedule's factor", factor);
    return progress -> Math.pow(factor, Math.floor(progress.epoch() / epochs));
  }

  /**
   * Multiplies the rate by {@code factor} after every epoch (PyTorch's {@code ExponentialLR}).
   *
   * @throws IllegalArgumentException unless the factor is in (0, 1]
   */
  static Schedule exponential(double factor) {
    return step(1, factor);
  }

  /** Half a cosine wave from 1 to 0 over the run (Loshchilov and Hutter, 2017). */
  static Schedule cosine() {
    return cosine(0);
  }

  /**
   * Half a cosine wave from 1 to {@code last}.
   *
   * @throws IllegalArgumentException unless {@code last} is in [0, 1]
   */
  static Schedule cosine(double last) {
    require(last >= 0 && last <= 1, "a cosine schedule ends in [0, 1], not at " + last);
    return progress -> OneCycle.cosine(1, last, progress.fraction());
  }

  /**
   * Rises and falls linearly between {@code low} and 1, repeatedly (Smith, 2017; PyTorch's {@code
   * CyclicLR}, triangular).
   *
   * @param low the first factor, in [0, 1]
   * @param epochsUp epochs from the low to the high end, and from there back; may be a fraction
   * @throws IllegalArgumentException if an argument is not possible
   */
  static Schedule cyclical(double low, double epochsUp) {
    require(low >= 0 && low <= 1, "a cyclical schedule's low factor is in [0, 1], not " + low);
    require(epochsUp > 0, "a cyclical schedule's epochs up must be above 0, not " + epochsUp);
    return progress -> {
      double phase = progress.epoch() / epochsUp % 2;
      return low + (1 - low) * (phase < 1 ? phase : 2 - phase);
    };
  }

  /** {@link OneCycle} with PyTorch's defaults: the optimizer's learning rate is the highest. */
  static Schedule oneCycle() {
    return OneCycle.DEFAULT;
  }

  /**
   * This schedule with linear warm-up: update u, counted from 0, has (u + 1) / updates of its rate
   * (Goyal et al., 2017).
   *
   * @throws IllegalArgumentException if updates is negative
   */
  default Schedule withWarmUp(long updates) {
    require(updates >= 0, "a warm-up cannot have " + updates + " updates");
    Schedule all = this;
    return new Schedule() {
      @Override
      public double factor(Progress progress) {
        double part = updates == 0 ? 1 : Math.min(1, (progress.update() + 1.0) / updates);
        return part * all.factor(progress);
      }

      @Override
      public OptionalDouble momentum(Progress progress) {
        return all.momentum(progress);
      }
    };
  }

  private static void requireFactor(String what, double factor) {
    require(factor > 0 && factor <= 1, what + " must be in (0, 1], not " + factor);
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  /**
   * The position of an update in the run. Only performed updates count: an update that is skipped
   * because its gradients overflowed does not advance the schedule.
   *
   * @param update how many updates were performed before this one
   * @param epoch epochs completed before this update, with a fraction: 1.5 is the middle of the
   *     second
   * @param epochs how many epochs the run has, with a fraction; infinite if only a time is given
   * @param updatesPerEpoch how many updates the current epoch has
   */
  record Progress(long update, double epoch, double epochs, long updatesPerEpoch) {
    /** Progress in a run whose epochs all have the same number of updates. */
    public static Progress of(long update, long updatesPerEpoch, double epochs) {
      return new Progress(update, (double) update / updatesPerEpoch, epochs, updatesPerEpoch);
    }

    /**
     * The part of the run that was completed before this update, in [0, 1).
     *
     * @throws IllegalStateException if the run's length is not known
     */
    public double fraction() {
      if (Double.isInfinite(epochs)) {
        throw new IllegalStateException(
            "this schedule needs the run's length, but the budget is a time alone: give it epochs,"
                + " updates or samples too");
      }
      return epoch / epochs;
    }
  }
}
