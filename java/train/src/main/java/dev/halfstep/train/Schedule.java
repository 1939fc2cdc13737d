package dev.halfstep.train;

/**
 * A learning rate over the course of a run: a pure function of {@link Progress}, so that a resumed
 * run sees what an uninterrupted one would have seen. It yields factors; the learning rate of an
 * update is the optimizer's, times the factor.
 *
 * <pre>{@code
 * Schedule halveEveryTenEpochs = progress -> Math.pow(0.5, (int) (progress.epoch() / 10));
 * }</pre>
 */
@FunctionalInterface
public interface Schedule {
  /**
   * What the optimizer's learning rate is multiplied by for one update.
   *
   * @return a finite number that is not negative
   */
  double factor(Progress progress);

  /** The optimizer's learning rate throughout. */
  static Schedule constant() {
    return progress -> 1;
  }

  /**
   * Where in the run an update stands. Only performed updates count: one that is skipped because
   * its gradients overflowed leaves the schedule where it was.
   *
   * @param update how many updates were performed before this one
   * @param updatesPerEpoch how many updates an epoch has
   * @param totalUpdates how many updates the whole run has
   */
  record Progress(long update, long updatesPerEpoch, long totalUpdates) {
    /** Epochs done before this update, with a fraction: 1.5 is the middle of the second epoch. */
    public double epoch() {
      return (double) update / updatesPerEpoch;
    }

    /** The part of the run that was done before this update, from 0 up to (exclusive) 1. */
    public double fraction() {
      return (double) update / totalUpdates;
    }
  }
}
