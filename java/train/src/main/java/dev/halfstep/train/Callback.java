package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.session.StepBlock;

/**
 * What is told of a run as it goes on, on the trainer's own thread: a progress bar, a stopping
 * rule, a recorder. Order: {@code fitBegin}, for each epoch {@code epochBegin}, {@code stepsEnd}
 * for each block of steps and {@code epochEnd}, at last {@code fitEnd}. An epoch that is stopped
 * before its last sample has no {@code epochEnd}, nor has one before whose first step the time was
 * over.
 *
 * <p>The device is not asked after every step but after a block of at most {@code syncEvery} of
 * them, or the asking would cost more than small steps do. Any method may call {@link Fit#stop};
 * {@code stepsEnd} and {@code epochEnd} may change learning rate and batch size ({@link
 * Fit#rateFactor(double)}, {@link Fit#batchSize(int)}). The end of a block and of an epoch is told
 * once in a run, also if it is resumed; {@code fitBegin} and {@code epochBegin} are told again.
 * What a callback throws ends {@link Trainer#fit} with that exception; the model has the weights of
 * the best epoch so far then.
 */
public interface Callback {
  /** The run begins, and its clock: the data are on the device, nothing is trained yet. */
  default void fitBegin(Fit fit) {}

  /** {@link Fit#epoch} has just begun. */
  default void epochBegin(Fit fit) {}

  /** A block of steps is done; {@code steps} is used again for the next one. */
  default void stepsEnd(Fit fit, StepBlock steps) {}

  /** An epoch is complete, validation included. */
  default void epochEnd(Fit fit, EpochRecord epoch) {}

  /**
   * The run is over, whatever ended it but an exception: the best weights are back, and test data
   * evaluated unless the thread was interrupted.
   */
  default void fitEnd(Fit fit, History history) {}
}
