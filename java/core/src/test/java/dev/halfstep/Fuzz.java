package dev.halfstep;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The loop of a fuzzer, which runs random cases until its time is over. Ordinary test runs take 10
 * seconds per fuzzer; nightly runs set {@code -Dhalfstep.fuzz.seconds=N} to take longer, and {@code
 * -Dhalfstep.fuzz.seed=N} to start with another seed.
 */
public final class Fuzz {
  private static final long SECONDS = Long.getLong("halfstep.fuzz.seconds", 10);
  private static final long SEED = Long.getLong("halfstep.fuzz.seed", 1);

  private static final long MOST_SECONDS_OF_A_CASE = Long.getLong("halfstep.fuzz.hang", 60);

  private Fuzz() {}

  /** One case, determined only by its random numbers. */
  public interface Case {
    void run(SplittableRandom random) throws Exception;
  }

  /** Runs cases and returns their number; a failure names the seed that reproduces it. */
  public static long run(String name, Case body) {
    AtomicLong current = new AtomicLong(SEED);
    Thread watch = new Thread(() -> endWhatHangs(name, current), "watch over " + name);
    watch.setDaemon(true);
    watch.start();
    long end = System.nanoTime() + SECONDS * 1_000_000_000;
    long seed = SEED;
    do {
      current.set(seed);
      try {
        body.run(new SplittableRandom(seed));
      } catch (Exception | AssertionError failure) {
        throw new AssertionError(name + ", -Dhalfstep.fuzz.seed=" + seed, failure);
      }
      seed++;
    } while (System.nanoTime() < end);
    watch.interrupt();
    System.out.println(name + ": " + (seed - SEED) + " cases from seed " + SEED);
    return seed - SEED;
  }

  /** Ends the JVM if a case hangs, because nothing else ends native code that never returns. */
  private static void endWhatHangs(String name, AtomicLong current) {
    try {
      for (long seen = -1; seen != current.get(); ) {
        seen = current.get();
        Thread.sleep(MOST_SECONDS_OF_A_CASE * 1000);
      }
      System.err.println(name + " hangs, -Dhalfstep.fuzz.seed=" + current);
      Runtime.getRuntime().halt(1);
    } catch (InterruptedException finished) {
      // The fuzzer is done, and interrupted this thread.
    }
  }
}
