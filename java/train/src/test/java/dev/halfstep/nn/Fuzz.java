package dev.halfstep.nn;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * Random damage for {@code -Dhalfstep.fuzz.seconds} seconds per class (default: 10); {@code
 * -Dhalfstep.fuzz.seed} sets the first seed. Each execution draws its damage from its own seed,
 * which a failure names.
 */
public final class Fuzz {
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("halfstep.fuzz.seconds", "10"));
  private static final long FIRST_SEED = Long.getLong("halfstep.fuzz.seed", 1);

  private Fuzz() {}

  /** A test that throws if it finds a fault. */
  @FunctionalInterface
  public interface Target {
    /** Executes it once on random damage; returns true if the damaged input was refused. */
    boolean run(Random random) throws Exception;
  }

  /**
   * Executes a target repeatedly until its share of the time is over.
   *
   * @param share the share of the class's time
   */
  public static void run(String name, double share, Target target) {
    long end = System.nanoTime() + (long) (SECONDS * share * 1e9);
    long executions = 0;
    long refused = 0;
    while (System.nanoTime() < end || executions == 0) {
      long seed = FIRST_SEED + executions;
      try {
        // Spread seeds: java.util.Random starts with nearly the same numbers for neighbouring ones.
        refused += target.run(new Random(seed * 0x9E3779B97F4A7C15L)) ? 1 : 0;
      } catch (Throwable e) {
        throw new AssertionError(
            name + ": execution " + executions + ", again with -Dhalfstep.fuzz.seed=" + seed, e);
      }
      executions++;
    }
    System.out.printf("fuzz %s: %d executions, %d refused%n", name, executions, refused);
  }

  /** A copy with one to a few changes: bits, bytes, numbers, parts cut out, doubled or moved. */
  public static byte[] damaged(byte[] bytes, Random random) {
    byte[] result = bytes.clone();
    for (int left = 1 + random.nextInt(4); left > 0; left--) {
      result = damagedOnce(result, random);
    }
    return result;
  }

  private static byte[] damagedOnce(byte[] bytes, Random random) {
    if (bytes.length < 8) {
      return new byte[random.nextInt(16)];
    }
    byte[] result = bytes.clone();
    // Half of the damage is at the beginning, where headers are.
    int most = random.nextBoolean() ? bytes.length : Math.min(bytes.length, 64);
    int at = random.nextInt(most);
    int length = 1 + random.nextInt(Math.min(16, bytes.length - at));
    switch (random.nextInt(7)) {
      case 0 -> result[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> result[at] = (byte) random.nextInt(256);
      case 2 -> Arrays.fill(result, at, at + length, (byte) -random.nextInt(2));
      case 3 -> result = Arrays.copyOf(bytes, random.nextInt(bytes.length));
      case 4 -> {
        result = new byte[bytes.length - length];
        System.arraycopy(bytes, 0, result, 0, at);
        System.arraycopy(bytes, at + length, result, at, bytes.length - at - length);
      }
      case 5 -> {
        result = new byte[bytes.length + length];
        System.arraycopy(bytes, 0, result, 0, at + length);
        System.arraycopy(bytes, at, result, at + length, bytes.length - at);
      }
      default -> {
        byte[] digits = "9223372036854775807,{}[]\"-e.\n\r".getBytes(StandardCharsets.US_ASCII);
        for (int i = at; i < at + length; i++) {
          result[i] = digits[random.nextInt(digits.length)];
        }
      }
    }
    return result;
  }
}
