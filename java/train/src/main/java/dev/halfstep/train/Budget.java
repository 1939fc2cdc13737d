package dev.halfstep.train;

/**
 * How long a run may last: epochs, updates, samples and wall time, whichever ends first. The update
 * that reaches a bound is the last. The clock is checked before each epoch and each block of steps
 * ({@link TrainerBuilder#syncEvery}); a block that has begun is completed. If the time is over
 * before the first step, the run ends without steps.
 *
 * <pre>{@code
 * Budget budget = Budget.ofEpochs(30).andSeconds(600);
 * }</pre>
 *
 * @param epochs passes over the training samples
 * @param updates performed updates
 * @param samples training samples, each counted every time it is used
 * @param seconds wall time of the run from just before {@link Callback#fitBegin}, including
 *     evaluations, checkpoints and callbacks. Opening the device, copying the data there and
 *     restoring a checkpoint do not count; for a resumed run the time up to its checkpoint does
 */
public record Budget(int epochs, long updates, long samples, double seconds) {
  /** A budget without bounds, from which the others are made. */
  private static final Budget ENDLESS =
      new Budget(Integer.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Double.POSITIVE_INFINITY);

  /** Checks the numbers. */
  public Budget {
    if (epochs < 1 || updates < 1 || samples < 1 || !(seconds > 0)) {
      throw new IllegalArgumentException(
          "a budget needs at least 1 epoch, 1 update and 1 sample, and a time above 0: it was given "
              + epochs
              + ", "
              + updates
              + ", "
              + samples
              + " and "
              + seconds
              + " s");
    }
  }

  /** A budget of {@code epochs} epochs. */
  public static Budget ofEpochs(int epochs) {
    return ENDLESS.andEpochs(epochs);
  }

  /** A budget of {@code updates} updates. */
  public static Budget ofUpdates(long updates) {
    return ENDLESS.andUpdates(updates);
  }

  /** A budget of {@code samples} samples; the update that reaches them is the last. */
  public static Budget ofSamples(long samples) {
    return ENDLESS.andSamples(samples);
  }

  /**
   * A budget of {@code seconds} seconds. Schedules that depend on the run's length need another
   * bound too.
   */
  public static Budget ofSeconds(double seconds) {
    return ENDLESS.andSeconds(seconds);
  }

  /** This budget with at most {@code epochs} epochs. */
  public Budget andEpochs(int epochs) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** This budget with at most {@code updates} updates. */
  public Budget andUpdates(long updates) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** This budget with at most {@code samples} samples. */
  public Budget andSamples(long samples) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** This budget with at most {@code seconds} seconds. */
  public Budget andSeconds(double seconds) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /**
   * Whether epochs, updates or samples bound the run, so that its greatest length is known
   * beforehand.
   */
  boolean isCounted() {
    return epochs < Integer.MAX_VALUE || updates < Long.MAX_VALUE || samples < Long.MAX_VALUE;
  }
}
