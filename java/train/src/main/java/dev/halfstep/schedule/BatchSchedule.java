package dev.halfstep.schedule;

import java.util.Arrays;

/**
 * The batch size over the course of a run: a pure function of the epoch. It starts from the
 * trainer's batch size. {@link LearningRateScaling} decides whether the learning rate follows the
 * batch size, and some schedules change the rate themselves.
 */
public interface BatchSchedule {
  /** The schedule that {@link #constant} returns. */
  BatchSchedule CONSTANT = (epoch, epochs, batchSize) -> batchSize;

  /**
   * The batch size of one epoch.
   *
   * @param epoch how many epochs were completed before it
   * @param epochs how many the run has, with a fraction; infinite if that is not known
   * @param batchSize the trainer's batch size @return at least 1
   */
  int batchSize(int epoch, double epochs, int batchSize);

  /**
   * The factor of the learning rate in an epoch: 1 unless the schedule changes the rate.
   *
   * @param epoch how many epochs were completed before it
   */
  default double rateFactor(int epoch) {
    return 1;
  }

  /** The trainer's batch size throughout. */
  static BatchSchedule constant() {
    return CONSTANT;
  }

  /**
   * Begins small and doubles until the trainer's batch size is reached: from 16 with 2 epochs each
   * towards 256 it is 16, 16, 32, 32, 64, 64, 128, 128, 256, 256 and so on.
   *
   * @throws IllegalArgumentException if an argument is less than 1
   */
  static BatchSchedule warmUp(int first, int epochsEach) {
    requirePositive("the first batch size", first);
    requirePositive("the epochs of each batch size", epochsEach);
    return (epoch, epochs, batchSize) ->
        (int) Math.min(batchSize, (long) first << Math.min(epoch / epochsEach, 32));
  }

  /**
   * Doubles the batch after each of these numbers of epochs instead of halving the learning rate,
   * which does not change ("Don't decay the learning rate, increase the batch size", Smith et al.,
   * 2018).
   */
  static BatchSchedule doublingInsteadOfDecay(int... epochs) {
    int[] at = epochs.clone();
    return (epoch, length, batchSize) -> doubled(batchSize, doublings(at, epoch));
  }

  /**
   * Doubles the batch and halves the learning rate after each of these numbers of epochs. Together
   * they divide the noise of the updates by four; This differs from {@link
   * #doublingInsteadOfDecay}.
   */
  static BatchSchedule doublingWithDecay(int... epochs) {
    int[] at = epochs.clone();
    return new BatchSchedule() {
      @Override
      public int batchSize(int epoch, double length, int batchSize) {
        return doubled(batchSize, doublings(at, epoch));
      }

      @Override
      public double rateFactor(int epoch) {
        return Math.pow(0.5, (double) doublings(at, epoch));
      }
    };
  }

  /**
   * For use with {@link Schedule#oneCycle}: the batch size falls to half of the trainer's where the
   * rate is highest, after 0.3 of the run, and rises again, along half cosine waves.
   */
  static BatchSchedule oneCycle() {
    return (epoch, epochs, batchSize) -> {
      if (Double.isInfinite(epochs)) {
        throw new IllegalArgumentException(
            "a one-cycle batch schedule needs the run's length: give the budget epochs, updates or"
                + " samples too");
      }
      double top = OneCycle.DEFAULT.rising() * epochs;
      double part =
          epoch < top
              ? OneCycle.cosine(1, 0.5, epoch / top)
              : OneCycle.cosine(0.5, 1, Math.min(1, (epoch - top) / (epochs - top)));
      return (int) Math.max(1, Math.round(batchSize * part));
    };
  }

  private static long doublings(int[] at, int epoch) {
    return Arrays.stream(at).filter(begin -> begin <= epoch).count();
  }

  private static int doubled(int batchSize, long times) {
    return (int) Math.min((long) batchSize << Math.min(times, 31), Integer.MAX_VALUE);
  }

  private static void requirePositive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + " must be at least 1, not " + value);
    }
  }
}
