package dev.halfstep.session;

import java.util.Map;

/** A data set as the steps of a session read it on their device. */
sealed interface DeviceData extends AutoCloseable permits ResidentData, StreamedData {
  /**
   * The feed of training in this order of the samples, which stays as it is.
   *
   * @param state addresses of the run's state
   */
  Feed training(int[] order, Map<String, Long> state);

  /**
   * The feed of evaluation, in the order in which the samples lie.
   *
   * @param state addresses of the evaluation's state, always the same
   */
  Feed evaluation(Map<String, Long> state);

  /**
   * The feed of gradients that nothing is done with, in this order of the samples.
   *
   * @param rows of each batch
   * @param state addresses of the measuring state, always the same
   */
  Feed probe(int[] order, int rows, Map<String, Long> state);

  /**
   * A feed of what the model says, in the order in which the samples lie; the caller's to close.
   *
   * @param memory addresses of the state and of the outputs
   */
  Feed outputs(Map<String, Long> memory);

  /**
   * The labels (the first target) of samples that the last step of {@link #outputs} read.
   *
   * @param from the first of them, in the order in which they lie
   */
  int[] labels(int from, int rows);

  /** Bytes of device memory that it holds. */
  long bytes();

  /** Time that the host has spent on gathering and copying samples for steps. */
  long loadingNanos();

  @Override
  void close();
}
