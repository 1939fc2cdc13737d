package dev.halfstep.random;

/**
 * What random numbers are drawn for. Each purpose has a key of its own, so that drawing more for
 * one (another layer, another epoch) never changes what another sees. Evaluation, prediction and
 * the finders draw from none.
 *
 * <p>The key is the first two words, lower one first, of the {@link Philox} block with the seed as
 * key and the purpose's number as counter. Numbers are never reused: old runs stay reproducible.
 */
public enum RandomStream {
  /** Initial weights; one sequence a parameter tensor. */
  INITIAL_WEIGHTS(1),
  /** Order of the samples; one sequence an epoch. */
  ORDER(2),
  /** Dropout masks. */
  DROPOUT(3),
  /** Augmentation of samples. */
  AUGMENTATION(4),
  /** Generated data and the cutting of data into parts; one sequence a sample. */
  DATA(5),
  /** Samples whose gradients are measured; one sequence a measurement. */
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
