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
    if (!train.form().isLike(heldOut.form())) {
      throw new IllegalArgumentException(
          "the parts of a split must be alike, but one is "
              + train.described()
              + ", the other "
              + heldOut.described());
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
    return Lot.heldOut(samples, fraction);
  }
}
