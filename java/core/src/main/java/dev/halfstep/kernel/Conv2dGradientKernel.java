package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.bindings.hs_conv2d_desc;

/**
 * The gradients of {@link Conv2dKernel}, made by {@link Conv2dKernel.Builder#buildGradient}. x and
 * dx are {@code [n, h, w, c]}, dy {@code [n, p, q, k]} and weights {@code [k, r, s, c / groups]} of
 * the kernel's type; dWeights, laid out as the weights, and dBias {@code [k]} are F32. dy is the
 * gradient behind the activation. {@code dBias} is optional (null, or address 0). Immutable and
 * safe to use from many threads.
 */
public final class Conv2dGradientKernel extends Conv2dGradientKernelForms {
  private final Shape x;
  private final Shape weights;

  Conv2dGradientKernel(hs_conv2d_desc desc, DType type, Shape x, Shape weights, Shape y) {
    super(desc, type, x.elements(), weights.elements(), y.elements(), weights.dim(0));
    this.x = x;
    this.weights = weights;
  }

  @Override
  public String toString() {
    return "convolution gradient " + type + " of " + x + " with " + weights;
  }
}
