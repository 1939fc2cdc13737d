package dev.halfstep.benchmarks.harness;

import java.util.List;

/** A library that does the works. */
public interface Contender {
  /** One word, such as {@code djl}. */
  String name();

  /** The versions of what does the work. */
  String version();

  /**
   * The ways in which it does a work, such as {@code 1 thread}: each is timed, and the best one
   * counts. None: it cannot do it.
   */
  List<String> settings(Work work);

  /** Makes a network ready to be trained with batches of the work's size. */
  Training training(Work work, String setting);

  /** Makes ready any other work. */
  Kernel kernel(Work work, String setting);

  /** A network and its data. */
  interface Training extends AutoCloseable {
    /**
     * Trains on the samples in this order, batch after batch; the last batch is full.
     *
     * @return the mean loss of each step before its update
     */
    float[] train(int[] order);

    @Override
    void close();
  }

  /** A call and its operands. */
  interface Kernel extends AutoCloseable {
    /** Does the work once; it is done when this returns. */
    void run();

    /** The first thousand numbers of what the last run gave, or all there are. */
    float[] result();

    @Override
    void close();
  }
}
