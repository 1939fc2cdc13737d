package dev.halfstep.kernel;

import dev.halfstep.DType;

/**
 * Dropout (Srivastava et al., 2014): {@code y = x / (1 - rate)} where an element is kept, else 0.
 * Which elements are kept depends only on the seed, the operation and the micro-step in the state
 * (Philox4x32-10). So the gradient is the same call on dy, made before the micro-step ends.
 * Immutable and safe to use from many threads.
 */
public final class DropoutKernel extends DropoutKernelForms {
  private DropoutKernel(DType type, long count, float rate, long seed, int operation) {
    super(type, Sizes.notNegative("count", count), rate, seed, operation);
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("dropout rate " + rate + " is not in [0, 1)");
    }
  }

  /**
   * Of {@code count} elements, F32, BF16 or F16.
   *
   * @param rate the share that is dropped, in [0, 1)
   * @param operation tells the dropouts of one network apart
   */
  public static DropoutKernel of(DType type, long count, float rate, long seed, int operation) {
    return new DropoutKernel(type, count, rate, seed, operation);
  }

  @Override
  public String toString() {
    return "dropout " + type + " [" + count + "] at rate " + rate;
  }
}
