package dev.halfstep.benchmarks.harness;

import java.util.List;

/** A library whose speed at the works is compared. */
public interface Contender {
  /** One word, such as {@code djl}. */
  String name();

  /** The versions of the library and its engine. */
  String version();

  /**
   * The settings in which it can do a work, such as {@code 1 thread}: each is timed, and the best
   * one counts. Empty if it cannot do the work.
   */
  List<String> settings(Work work);

  /** Prepares a network for training with batches of the work's size. */
  Training training(Work work, String setting);

  /** Prepares any other work. */
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

    /** The first thousand numbers of the last run's result, or all if it has fewer. */
    float[] result();

    @Override
    void close();
  }
}
