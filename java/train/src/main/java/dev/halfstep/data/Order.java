package dev.halfstep.data;

import dev.halfstep.random.Philox;
import dev.halfstep.random.RandomStream;

/**
 * The order in which an epoch visits the samples: a permutation that is a pure function of seed,
 * epoch and number of samples, the same on every platform. A run needs only the seed to resume at
 * sample k of epoch e, with any batch size.
 *
 * <p>Definition: start with 0, 1, ..., n-1; for i = n-1 down to 1 swap positions i and j, j drawn
 * by {@link Philox#nextInt(int)} from [0, i] (Fisher and Yates), with the key of {@link
 * RandomStream#ORDER} and the epoch as sequence.
 */
public final class Order {
  private Order() {}

  /**
   * The permutation of one epoch.
   *
   * @param epoch counts from 0
   * @param samples how many samples there are
   * @return {@code samples} different indices
   * @throws IllegalArgumentException if samples is negative
   */
  public static int[] permutation(long seed, long epoch, int samples) {
    if (samples < 0) {
      throw new IllegalArgumentException("the number of samples cannot be negative: " + samples);
    }
    int[] order = new int[samples];
    fill(seed, epoch, order);
    return order;
  }

  /**
   * Writes the permutation of one epoch to {@code order}, whose length is the number of samples.
   */
  public static void fill(long seed, long epoch, int[] order) {
    shuffled(new Philox(RandomStream.ORDER.key(seed), epoch), order);
  }

  /** Fills with 0, 1, ... and shuffles. */
  static void shuffled(Philox random, int[] order) {
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }
}
