package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.session.StepBlock;

/**
 * A listener that the trainer calls during a run, on its own thread: a progress bar, a stopping
 * rule, a recorder. The order is {@code fitBegin}; for each epoch {@code epochBegin}, {@code
 * stepsEnd} for each block of steps, and {@code epochEnd}; at last {@code fitEnd}. There is no
 * {@code epochEnd} for an epoch that is stopped before its last sample, or whose time is over
 * before its first step.
 *
 * <p>The trainer waits for the device only after a block of at most {@code syncEvery} steps,
 * because waiting after every step would cost more than small steps do. Any method may call {@link
 * Fit#stop}; {@code stepsEnd} and {@code epochEnd} may change learning rate and batch size ({@link
 * Fit#rateFactor(double)}, {@link Fit#batchSize(int)}). Each {@code stepsEnd} and {@code epochEnd}
 * is called once in a run, even if the run is resumed; {@code fitBegin} and {@code epochBegin} are
 * called again. An exception of a callback ends {@link Trainer#fit} with that exception; the model
 * then has the weights of the best epoch so far.
 */
public interface Callback {
  /** The run and its clock start: the data are on the device, and there was no step yet. */
  default void fitBegin(Fit fit) {}

  /** {@link Fit#epoch} has just begun. */
  default void epochBegin(Fit fit) {}

  /** A block of steps is done; {@code steps} is reused for the next block. */
  default void stepsEnd(Fit fit, StepBlock steps) {}

  /** An epoch is complete, validation included. */
  default void epochEnd(Fit fit, EpochRecord epoch) {}

  /**
   * The run is over, for any reason except an exception: the best weights are restored, and test
   * data are evaluated unless the thread was interrupted.
   */
  default void fitEnd(Fit fit, History history) {}
}
