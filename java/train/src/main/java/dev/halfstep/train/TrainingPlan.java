package dev.halfstep.train;

import dev.halfstep.graph.Plan;

/**
 * What a run will be, known before it begins.
 *
 * @param epochs how often it goes through the training samples
 * @param batchSize samples of a full step
 * @param samples training samples of an epoch that take part in it: all, or with {@code dropLast}
 *     those of full batches
 * @param step the kernel calls of a full step, with their bytes and FLOPs
 * @param memory what the run holds on the device
 */
public record TrainingPlan(int epochs, int batchSize, int samples, Plan step, MemoryUse memory) {
  /** ceil(samples / batchSize): a short last batch is an update as well. */
  public long updatesPerEpoch() {
    return (samples + batchSize - 1L) / batchSize;
  }

  /** Updates of the whole run, if nothing ends it early. */
  public long totalUpdates() {
    return updatesPerEpoch() * epochs;
  }

  /** Memory traffic of a full step in bytes: what every kernel call reads and writes. */
  public long bytes() {
    return step.bytes();
  }

  /** Floating-point operations of a full step. */
  public long flops() {
    return step.flops();
  }
}
