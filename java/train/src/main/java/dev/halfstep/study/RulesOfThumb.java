package dev.halfstep.study;

/** Usual values for a run before anything has been measured: a start, not an optimum. */
public final class RulesOfThumb {
  private static final long SMALL = 1_000;
  private static final long LARGE = 100_000;
  private static final int BATCH_NORM_BETTER = 32;

  private RulesOfThumb() {}

  /**
   * A range.
   *
   * @param least the smallest usual value
   * @param most the largest
   */
  public record Range(int least, int most) {}

  /** How hard a task is to learn. */
  public enum Effort {
    /** From random weights. */
    USUAL,
    /** A complex task: twice the epochs. */
    COMPLEX,
    /** From weights of a related task: half the epochs. */
    FINE_TUNING
  }

  /** The kind of data and model. */
  public enum Task {
    /** Images: batches of 32 to 128. */
    IMAGES,
    /** Text: 16 to 64. */
    TEXT,
    /** Generative models: 8 to 32. */
    GENERATIVE,
    /** Anything else: 32 to 128. */
    OTHER
  }

  /**
   * Usual numbers of epochs by the size of the data: 50 to 100 below 10,000 samples, 20 to 50 up to
   * 100,000, 10 to 20 above, 3 to 10 from a million on.
   *
   * @throws IllegalArgumentException if there are no samples
   */
  public static Range epochs(long samples, Effort effort) {
    requireSamples(samples);
    Range usual =
        samples < 10_000
            ? new Range(50, 100)
            : samples <= LARGE
                ? new Range(20, 50)
                : samples < 1_000_000 ? new Range(10, 20) : new Range(3, 10);
    return switch (effort) {
      case USUAL -> usual;
      case COMPLEX -> new Range(2 * usual.least, 2 * usual.most);
      case FINE_TUNING -> new Range(Math.max(1, usual.least / 2), usual.most / 2);
    };
  }

  /**
   * Usual batch sizes, powers of 2: by the task, but 8 to 32 below 1,000 samples, and 64 to 256
   * above 100,000 (except for text and generative models); with batch normalisation at least 32.
   *
   * @param largest the largest batch that fits into memory, as {@link LargestBatch} finds it
   * @throws IllegalArgumentException if there are no samples, or {@code largest} is not positive
   */
  public static Range batchSizes(Task task, long samples, boolean batchNorm, int largest) {
    requireSamples(samples);
    if (largest < 1) {
      throw new IllegalArgumentException("the largest batch must be at least 1, not " + largest);
    }
    Range usual =
        switch (task) {
          case TEXT -> new Range(16, 64);
          case GENERATIVE -> new Range(8, 32);
          case IMAGES, OTHER -> samples > LARGE ? new Range(64, 256) : new Range(32, 128);
        };
    usual = samples < SMALL ? new Range(8, 32) : usual;
    int least = batchNorm ? Math.max(usual.least, BATCH_NORM_BETTER) : usual.least;
    int most = Math.max(usual.most, least);
    int fits = (int) Math.min(samples, largest);
    int bound = Integer.highestOneBit(fits);
    return new Range(Math.min(least, bound), Math.min(most, bound));
  }

  private static void requireSamples(long samples) {
    if (samples < 1) {
      throw new IllegalArgumentException("there must be at least 1 sample, not " + samples);
    }
  }
}
