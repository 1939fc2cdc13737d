package dev.halfstep.train;

/**
 * How long a run may go on: epochs, updates, samples and wall time, whichever ends first. The
 * update that reaches a bound is the last. Time is looked at before each epoch and each block of
 * steps ({@link TrainerBuilder#syncEvery}): a block that has begun is completed. If the time is
 * over before the first step, the run ends without one.
 *
 * <pre>{@code
 * Budget budget = Budget.ofEpochs(30).andSeconds(600);
 * }</pre>
 *
 * @param epochs passes over the training samples
 * @param updates performed updates
 * @param samples training samples, each counted as often as it is trained on
 * @param seconds wall time of the run: all from just before {@link Callback#fitBegin} on, such as
 *     evaluations, checkpoints and callbacks. To open the device, bring the data there and restore
 *     a checkpoint does not count; the time that a resumed run had taken up to its checkpoint does
 */
public record Budget(int epochs, long updates, long samples, double seconds) {
  /** Without any bound: what the others are cut from. */
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

  /** So many epochs. */
  public static Budget ofEpochs(int epochs) {
    return ENDLESS.andEpochs(epochs);
  }

  /** So many updates. */
  public static Budget ofUpdates(long updates) {
    return ENDLESS.andUpdates(updates);
  }

  /** So many samples; the update that reaches them is the last. */
  public static Budget ofSamples(long samples) {
    return ENDLESS.andSamples(samples);
  }

  /** So much wall time. Schedules that need to know the run's length need another bound too. */
  public static Budget ofSeconds(double seconds) {
    return ENDLESS.andSeconds(seconds);
  }

  /** This budget, and at most so many epochs. */
  public Budget andEpochs(int epochs) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** This budget, and at most so many updates. */
  public Budget andUpdates(long updates) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** This budget, and at most so many samples. */
  public Budget andSamples(long samples) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** This budget, and at most so much wall time. */
  public Budget andSeconds(double seconds) {
    return new Budget(epochs, updates, samples, seconds);
  }

  /** Whether it is known beforehand when the run ends at the latest. */
  boolean isCounted() {
    return epochs < Integer.MAX_VALUE || updates < Long.MAX_VALUE || samples < Long.MAX_VALUE;
  }
}
