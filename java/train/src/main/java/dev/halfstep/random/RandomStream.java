package dev.halfstep.random;

/**
 * The purposes that random numbers are drawn for. Each has its own key, so that drawing more
 * numbers for one purpose (another layer, another epoch) never changes the numbers of another.
 * Evaluation, prediction and the finders draw none.
 *
 * <p>The key is the first two words, lower one first, of the {@link Philox} block with the seed as
 * key and the purpose's number as counter. A purpose's number never changes and is never used
 * again, so that old runs stay reproducible.
 */
public enum RandomStream {
  /** Initial weights; one sequence per parameter tensor. */
  INITIAL_WEIGHTS(1),
  /** Order of the samples; one sequence per epoch. */
  ORDER(2),
  /** Dropout masks. */
  DROPOUT(3),
  /** Augmentation of samples. */
  AUGMENTATION(4),
  /** Generated data and splits of data; one sequence per sample. */
  DATA(5),
  /** Samples whose gradients are measured; one sequence per measurement. */
  NOISE(6);

  private final int number;

  RandomStream(int number) {
    this.number = number;
  }

  /** The Philox key of this purpose in a run with this seed. */
  public long key(long seed) {
    int[] words = new int[4];
    Philox.block(number, 0, seed, words);
    return (words[0] & 0xFFFFFFFFL) | ((long) words[1] << 32);
  }
}
