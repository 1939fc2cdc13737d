package dev.halfstep.schedule;

/**
 * How to convert a learning rate that was found for one batch size to another batch size. It is
 * never applied unless the user names it.
 */
public enum LearningRateScaling {
  /** The rate does not depend on the batch size. */
  NONE,
  /** In proportion (Goyal et al., 2017): 0.001 at 32 is 0.004 at 128. Usual for SGD. */
  LINEAR,
  /**
   * In proportion to the square root (Krizhevsky, 2014): 0.001 at 32 is 0.002 at 128. Usual for
   * Adam.
   */
  SQUARE_ROOT;

  /**
   * The factor that converts the rate for batches of {@code from} samples to batches of {@code to}.
   */
  public double factor(int from, int to) {
    double ratio = (double) to / from;
    return switch (this) {
      case NONE -> 1;
      case LINEAR -> ratio;
      case SQUARE_ROOT -> Math.sqrt(ratio);
    };
  }
}
