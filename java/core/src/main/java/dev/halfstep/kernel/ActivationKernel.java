package dev.halfstep.kernel;

import dev.halfstep.DType;

/**
 * An {@link Activation} of each element, and its gradient. Immutable and safe to use from many
 * threads.
 */
public final class ActivationKernel extends ActivationKernelForms {
  private ActivationKernel(Activation activation, DType type, long count) {
    super(activation, type, Sizes.notNegative("count", count));
  }

  /** Of {@code count} elements, F32, BF16 or F16. */
  public static ActivationKernel of(Activation activation, DType type, long count) {
    return new ActivationKernel(activation, type, count);
  }

  @Override
  public String toString() {
    return activation + " " + type + " [" + count + "]";
  }
}
