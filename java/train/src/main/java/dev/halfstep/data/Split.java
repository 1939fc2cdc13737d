package dev.halfstep.data;

/**
 * Samples to train on and samples that training does not see: test or validation data.
 *
 * @param train what is learned from
 * @param heldOut what is only evaluated on; samples of the same shape and type
 */
public record Split(Dataset train, Dataset heldOut) {
  /**
   * Checks that one model can take both.
   *
   * @throws IllegalArgumentException if shapes, types or classes differ
   */
  public Split {
    if (!train.sampleShape().equals(heldOut.sampleShape())
        || train.features().type() != heldOut.features().type()
        || train.targets().type() != heldOut.targets().type()
        || !train.targets().sampleShape().equals(heldOut.targets().sampleShape())
        || train.classes() != heldOut.classes()) {
      throw new IllegalArgumentException(
          "the parts of a split must be alike, but one is " + train + ", the other " + heldOut);
    }
  }

  /**
   * How many of so many samples are held out: the fraction, rounded, but at least one, and at least
   * one is left.
   *
   * @throws IllegalArgumentException if the fraction does not lie between 0 and 1 (both exclusive)
   *     or there are fewer than 2 samples
   */
  public static int heldOut(int samples, double fraction) {
    if (!(fraction > 0 && fraction < 1)) {
      throw new IllegalArgumentException(
          "a fraction to hold out must lie between 0 and 1: " + fraction);
    }
    if (samples < 2) {
      throw new IllegalArgumentException(
          "holding out a part needs at least 2 samples, not " + samples);
    }
    long count = Math.round(samples * fraction);
    return (int) Math.min(Math.max(count, 1), samples - 1L);
  }
}
