package dev.halfstep.schedule;

/**
 * How a learning rate that was found for one batch size is carried over to another. Always by name,
 * never silent.
 */
public enum LearningRateScaling {
  /** The rate does not depend on the batch size. */
  NONE,
  /** In proportion (Goyal et al., 2017): 0.001 at 32 is 0.004 at 128. Usual for SGD. */
  LINEAR,
  /** With the root (Krizhevsky, 2014): 0.001 at 32 is 0.002 at 128. Usual for Adam. */
  SQUARE_ROOT;

  /** What the rate for {@code from} samples is multiplied by for batches of {@code to}. */
  public double factor(int from, int to) {
    double ratio = (double) to / from;
    return switch (this) {
      case NONE -> 1;
      case LINEAR -> ratio;
      case SQUARE_ROOT -> Math.sqrt(ratio);
    };
  }
}
