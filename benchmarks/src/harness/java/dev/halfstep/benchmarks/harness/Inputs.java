package dev.halfstep.benchmarks.harness;

import java.util.Random;

/** Random inputs that are the same for every contender: {@link Random} is defined to the bit. */
public final class Inputs {
  private static final int MOST_DRAWN = (1 << 20) + 7;

  private Inputs() {}

  /** Standard normal numbers; after the first million they repeat. */
  public static float[] normal(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i < MOST_DRAWN ? (float) random.nextGaussian() : values[i - MOST_DRAWN];
    }
    return values;
  }

  /** Numbers in [-bound, bound). */
  public static float[] uniform(int count, long seed, float bound) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (2 * random.nextFloat() - 1) * bound;
    }
    return values;
  }

  /** Classes in [0, classes). */
  public static int[] labels(int count, int classes) {
    Random random = new Random(count);
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = random.nextInt(classes);
    }
    return labels;
  }

  /** Shuffles an order (Fisher and Yates). */
  static void shuffle(int[] order, Random random) {
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }
}
