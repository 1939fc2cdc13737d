package dev.halfstep.schedule;

import dev.halfstep.metric.Metric;

/**
 * Lowers the learning rate when a metric no longer improves, as PyTorch's {@code
 * ReduceLROnPlateau}: a multiplier on top of the {@link Schedule}. After more than {@code patience}
 * epochs in a row that were not better than the best, the multiplier is multiplied by {@code
 * factor}. An epoch in which no row counted is skipped.
 *
 * @param metric the metric to watch
 * @param factor in (0, 1): 0.1
 * @param patience epochs without improvement that are tolerated: 10
 * @param threshold by how much an epoch must be better: 1e-4
 * @param relative whether the threshold is relative to the best value, or an absolute difference
 * @param cooldown epochs after a reduction that are not counted as bad: 0
 * @param least the lowest multiplier: 0
 */
public record Plateau(
    Metric metric,
    double factor,
    int patience,
    double threshold,
    boolean relative,
    int cooldown,
    double least) {
  /** Checks the numbers. */
  public Plateau {
    if (!(factor > 0 && factor < 1)
        || patience < 0
        || !(threshold >= 0)
        || cooldown < 0
        || !(least >= 0 && least <= 1)) {
      throw new IllegalArgumentException(
          "a plateau needs a factor in (0, 1), patience, threshold and cooldown of at least 0, and a"
              + " least multiplier in [0, 1]: it was given factor "
              + factor
              + ", patience "
              + patience
              + ", threshold "
              + threshold
              + ", cooldown "
              + cooldown
              + ", least "
              + least);
    }
  }

  /** A relative threshold of 1e-4, no cooldown, and 0 as the lowest multiplier. */
  public static Plateau of(Metric metric, double factor, int patience) {
    return new Plateau(metric, factor, patience, 1e-4, true, 0, 0);
  }

  /** The same with an absolute threshold. */
  public Plateau withAbsoluteThreshold(double threshold) {
    return new Plateau(metric, factor, patience, threshold, false, cooldown, least);
  }

  /** The same with a threshold relative to the best value. */
  public Plateau withRelativeThreshold(double threshold) {
    return new Plateau(metric, factor, patience, threshold, true, cooldown, least);
  }

  /** The same with another number of cooldown epochs. */
  public Plateau withCooldown(int epochs) {
    return new Plateau(metric, factor, patience, threshold, relative, epochs, least);
  }

  /** The same with another lowest multiplier. */
  public Plateau withLeast(double least) {
    return new Plateau(metric, factor, patience, threshold, relative, cooldown, least);
  }

  /**
   * The state that a run keeps from epoch to epoch.
   *
   * @param multiplier of the learning rate
   * @param best the best value so far
   * @param bad epochs in a row that were not better
   * @param cooling cooldown epochs that are left
   */
  public record State(double multiplier, double best, int bad, int cooling) {}

  /** Before the first epoch. */
  public State begin() {
    return new State(1, metric.worst(), 0, 0);
  }

  /** The state after an epoch with this value. */
  public State next(State state, double value) {
    if (relative && value < 0) {
      throw new IllegalArgumentException(
          "a plateau of "
              + metric.label()
              + " with a relative threshold was given "
              + value
              + ": of a negative value take an absolute one");
    }
    boolean better = metric.better(value, state.best, delta(state.best));
    int bad = better ? 0 : state.bad + 1;
    int cooling = state.cooling;
    if (cooling > 0) {
      cooling--;
      bad = 0;
    }
    double best = better ? value : state.best;
    if (bad > patience) {
      return new State(Math.max(state.multiplier * factor, least), best, 0, cooldown);
    }
    return new State(state.multiplier, best, bad, cooling);
  }

  private double delta(double best) {
    return Double.isInfinite(best) ? 0 : relative ? threshold * best : threshold;
  }
}
