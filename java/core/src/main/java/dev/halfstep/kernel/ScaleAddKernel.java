package dev.halfstep.kernel;

import dev.halfstep.DType;

/** A scaled sum, {@code y = alpha * x + beta * y}. Immutable and safe to use from many threads. */
public final class ScaleAddKernel extends ScaleAddKernelForms {
  private ScaleAddKernel(DType type, long count, float alpha, float beta) {
    super(type, Sizes.notNegative("count", count), alpha, beta);
  }

  /** {@code y = alpha * x + beta * y} of {@code count} elements: F32, BF16 or F16. */
  public static ScaleAddKernel of(DType type, long count, float alpha, float beta) {
    return new ScaleAddKernel(type, count, alpha, beta);
  }

  @Override
  public String toString() {
    return "scaled sum " + type + " [" + count + "]";
  }
}
