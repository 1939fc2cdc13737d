package dev.halfstep.train;

/**
 * What a callback changed in a run, and what holds from there on.
 *
 * @param step how many steps were made before it
 * @param rateFactor what the learning rate is multiplied by on top of schedule and plateau
 * @param batchSize samples of a step; 0 while that is left to the trainer's options
 */
public record RunChange(int step, double rateFactor, int batchSize) {
  /** Before any change. */
  static final RunChange NONE = new RunChange(0, 1, 0);
}
