package dev.halfstep.session;

import java.util.Map;

/** A data set on the device, as the steps of a session read it. */
sealed interface DeviceData extends AutoCloseable permits ResidentData, StreamedData {
  /**
   * The feed of training in this order of the samples; the array must not change.
   *
   * @param state addresses of the run's state
   */
  Feed training(int[] order, Map<String, Long> state);

  /**
   * The feed of evaluation, in the order of the data.
   *
   * @param state addresses of the evaluation's state, always the same
   */
  Feed evaluation(Map<String, Long> state);

  /**
   * The feed that computes gradients without an update, in this order of the samples.
   *
   * @param rows of each batch
   * @param state addresses of the probe's state, always the same
   */
  Feed probe(int[] order, int rows, Map<String, Long> state);

  /**
   * A feed that computes the model's outputs, in the order of the data; the caller closes it.
   *
   * @param memory addresses of the state and of the outputs
   */
  Feed outputs(Map<String, Long> memory);

  /**
   * The labels (the first target) of samples that the last step of {@link #outputs} read.
   *
   * @param from the index of the first sample
   */
  int[] labels(int from, int rows);

  /** Bytes of device memory that this data set holds. */
  long bytes();

  /** Time that the host has spent on gathering and copying samples for steps. */
  long loadingNanos();

  @Override
  void close();
}
