package dev.halfstep.train;

/**
 * A change by a callback in a run, with the values that hold from this step on.
 *
 * @param step the number of steps before the change
 * @param rateFactor factor of the learning rate in addition to schedule and plateau
 * @param batchSize samples of a step; 0 while the trainer's options decide
 */
public record RunChange(int step, double rateFactor, int batchSize) {
  /** The values before any change. */
  static final RunChange NONE = new RunChange(0, 1, 0);
}
