package dev.halfstep.data;

/**
 * Training samples, and held-out samples for tests or validation.
 *
 * @param train the training samples
 * @param heldOut the samples for evaluation, of the same shape and type
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
   * The number of samples that are held out: the fraction, rounded, but at least one; at least one
   * is left for training.
   *
   * @throws IllegalArgumentException if the fraction is not in (0, 1), or there are fewer than 2
   *     samples
   */
  public static int heldOut(int samples, double fraction) {
    return Lot.heldOut(samples, fraction);
  }
}
