package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.data.Dataset;

/**
 * The device memory of a session, in bytes, computed from its plans before anything is allocated.
 *
 * @param parameters the F32 parameters
 * @param gradients the F32 gradients
 * @param moments the optimizer's moments, and the average of the weights if there is one
 * @param copies copies of the parameters in the storage type; 0 in F32
 * @param activations the arena of the largest plan, which grows with the batch
 * @param data the training data and the order of their samples; for streamed data, the part that is
 *     on the device at once
 * @param bookkeeping counters, learning rates, step records and the norms that LARS and LAMB take
 */
public record MemoryUse(
    long parameters,
    long gradients,
    long moments,
    long copies,
    long activations,
    long data,
    long bookkeeping) {

  static MemoryUse of(SessionOptions options, Dataset data) {
    long arena = options.model().parameters().arenaSize();
    StepPlans plans = new StepPlans(options, BatchSource.of(options, data, data.size()));
    long activations = 0;
    for (Feed.Part part : plans.parts(options.batchSize())) {
      activations = Math.max(activations, part.plan().arenaBytes());
    }
    boolean copied = options.storage() != DType.F32;
    return new MemoryUse(
        arena * DType.F32.bytes(),
        arena * DType.F32.bytes(),
        arena
            * DType.F32.bytes()
            * (options.optimizer().moments() + (options.averageDecay() > 0 ? 2 : 0)),
        copied ? arena * options.storage().bytes() : 0,
        activations,
        DataCache.bytes(options, data, options.dataMemory()),
        RunState.bytes(options)
            + (options.optimizer().usesNorms()
                ? 2L * options.model().parameters().list().size() * DType.F64.bytes()
                : 0));
  }

  /** The sum of all parts. */
  public long total() {
    return parameters + gradients + moments + copies + activations + data + bookkeeping;
  }
}
