package dev.halfstep.schedule;

import java.util.Arrays;

/**
 * The batch size over the course of a run: a pure function of the epoch. The trainer's batch size
 * is the one that is scheduled; whether the learning rate follows is said by {@link
 * LearningRateScaling}, apart from schedules whose own rule changes it.
 */
public interface BatchSchedule {
  /** What {@link #constant} gives. */
  BatchSchedule CONSTANT = (epoch, epochs, batchSize) -> batchSize;

  /**
   * The batch size of one epoch.
   *
   * @param epoch how many epochs are done before it
   * @param epochs how many the run has, with a fraction; infinite if that is not known
   * @param batchSize the trainer's
   * @return at least 1
   */
  int batchSize(int epoch, double epochs, int batchSize);

  /**
   * What the learning rate of an epoch is multiplied by: 1 unless the schedule's rule says it.
   *
   * @param epoch how many epochs are done before it
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
   * @throws IllegalArgumentException if one of them is less than 1
   */
  static BatchSchedule warmUp(int first, int epochsEach) {
    requirePositive("the first batch size", first);
    requirePositive("the epochs of each batch size", epochsEach);
    return (epoch, epochs, batchSize) ->
        (int) Math.min(batchSize, (long) first << Math.min(epoch / epochsEach, 32));
  }

  /**
   * Doubles the batch after each of these numbers of epochs, where another run would halve the
   * learning rate; the rate stays ("Don't decay the learning rate, increase the batch size", Smith
   * et al., 2018).
   */
  static BatchSchedule doublingInsteadOfDecay(int... epochs) {
    int[] at = epochs.clone();
    return (epoch, length, batchSize) -> doubled(batchSize, doublings(at, epoch));
  }

  /**
   * Doubles the batch and halves the learning rate after each of these numbers of epochs. Together
   * they divide the noise of the updates by four; {@link #doublingInsteadOfDecay} is something
   * else.
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
   * Goes with {@link Schedule#oneCycle}: from the whole batch size to half of it where the rate is
   * highest, after 0.3 of the run, and back to the whole, along half cosine waves.
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
