package dev.halfstep.session;

import dev.halfstep.Tensor;
import java.time.Duration;
import java.util.List;

/**
 * Workers that train one model together, each on its own samples. Between the backward pass and the
 * update of each step their sessions sum their gradients, losses and weights, so that all make the
 * same update: that of one batch made of all their batches.
 *
 * <p>Every worker has a session with the same model, options and number of steps, and calls each
 * method as often as the others, in the same order. Parameters and records of steps are then equal
 * on all workers. Dropout masks, evaluations, and the running statistics of batch normalisation are
 * computed by each worker from its own samples only.
 *
 * <p>{@link #local} joins threads of one process. Other implementations may join processes or
 * machines; the thread that owns the session calls the methods.
 */
public interface Collective {
  /** The number of this worker, from 0. */
  int rank();

  /** How many workers there are. */
  int size();

  /**
   * Replaces the elements of an F32 tensor by their sums over all workers. The sums are the same
   * bits on every worker and in every run: terms are added in a fixed order.
   *
   * @param values a contiguous tensor of the same size on every worker; the implementation must
   *     wait for earlier calls on its device's stream
   * @throws IllegalStateException if workers are missing, or give tensors of different sizes; the
   *     message names the workers
   */
  void allReduceSum(Tensor values);

  /** As above, for a few numbers on the host. */
  void allReduceSum(double[] values);

  /**
   * Replaces the elements of a tensor by those of one worker's tensor.
   *
   * @param root the rank of that worker
   */
  void broadcast(Tensor values, int root);

  /**
   * Creates workers that are threads of this process. The sum of each element is ((worker 0 +
   * worker 1) + worker 2) + ...
   *
   * @param size how many workers there are, at least 1
   * @param patience how long a worker waits for the others before it fails with the ranks that are
   *     missing
   * @return one for each worker, by rank
   * @throws IllegalArgumentException if there is no worker, or patience is not positive
   */
  static List<Collective> local(int size, Duration patience) {
    return LocalCollective.of(size, patience);
  }
}
