package dev.halfstep.random;

/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3" (2011): a block of four words is a pure function of a 64-bit key and a 128-bit counter.
 *
 * <p>An instance walks through one sequence: the upper 64 bits of the counter name the sequence,
 * the lower ones count its blocks. Key word 0 is the lower half of the key, counter word 0 the
 * lower half of the block number, counter word 2 the lower half of the sequence's. All results are
 * the same on every platform. Not safe for use by several threads at once; instances are cheap.
 */
public final class Philox {
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int KEY_STEP_0 = 0x9E3779B9;
  private static final int KEY_STEP_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  private final long key;
  private final long sequence;
  private final int[] words = new int[4];
  private long nextBlock;
  private int used = 4;
  private double spareNormal = Double.NaN;

  /**
   * The generator at the start of a sequence.
   *
   * @param key usually from {@link RandomStream#key}
   * @param sequence which sequence of this key: an epoch, a sample, a tensor
   */
  public Philox(long key, long sequence) {
    this.key = key;
    this.sequence = sequence;
  }

  /**
   * One block.
   *
   * @param low counter words 0 and 1, word 0 in the lower half
   * @param high counter words 2 and 3, word 2 in the lower half
   * @param key key words 0 and 1, word 0 in the lower half
   * @param out receives the four words
   */
  public static void block(long low, long high, long key, int[] out) {
    int c0 = (int) low;
    int c1 = (int) (low >>> 32);
    int c2 = (int) high;
    int c3 = (int) (high >>> 32);
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (c0 & 0xFFFFFFFFL);
      long product1 = MULTIPLIER_1 * (c2 & 0xFFFFFFFFL);
      c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
      c1 = (int) product1;
      c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
      c3 = (int) product0;
      k0 += KEY_STEP_0;
      k1 += KEY_STEP_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
  }

  /** The next 32 random bits. */
  public int nextInt() {
    if (used == 4) {
      block(nextBlock++, sequence, key, words);
      used = 0;
    }
    return words[used++];
  }

  /**
   * A uniform number in [0, bound): the upper half of word * bound; the few words that would make
   * some numbers more likely are rejected (Lemire, "Fast random integer generation in an interval",
   * 2019).
   *
   * @throws IllegalArgumentException if bound is not positive
   */
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("a bound must be positive: " + bound);
    }
    long product = (nextInt() & 0xFFFFFFFFL) * bound;
    if ((product & 0xFFFFFFFFL) < bound) {
      long threshold = (1L << 32) % bound;
      while ((product & 0xFFFFFFFFL) < threshold) {
        product = (nextInt() & 0xFFFFFFFFL) * bound;
      }
    }
    return (int) (product >>> 32);
  }

  /** A multiple of 2^-24 in [0, 1). */
  public float nextFloat() {
    return (nextInt() >>> 8) * 0x1p-24f;
  }

  /** A multiple of 2^-53 in [0, 1); takes two words. */
  public double nextDouble() {
    int upper = nextInt() >>> 5;
    int lower = nextInt() >>> 6;
    return (((long) upper << 26) + lower) * 0x1p-53;
  }

  /** A standard normal number, by Marsaglia's polar method in {@link StrictMath}. */
  public double nextNormal() {
    if (!Double.isNaN(spareNormal)) {
      double result = spareNormal;
      spareNormal = Double.NaN;
      return result;
    }
    while (true) {
      double x = 2 * nextDouble() - 1;
      double y = 2 * nextDouble() - 1;
      double square = x * x + y * y;
      if (square < 1 && square > 0) {
        double factor = Math.sqrt(-2 * StrictMath.log(square) / square);
        spareNormal = y * factor;
        return x * factor;
      }
    }
  }
}
