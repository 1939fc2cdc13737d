package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_batch_norm_desc;

/**
 * The gradients of {@link BatchNormKernel} in training, made by {@link
 * BatchNormKernel.Builder#buildGradient}. dy, x, y, dx and dResidual are {@code [rows, channels]},
 * all else F32 {@code [channels]}; y is the output, savedMean and savedInvstd are what training
 * left.
 *
 * <p>Optional operands (null, or address 0): {@code dResidual}, and {@code y} without RELU.
 * Immutable and safe to use from many threads.
 */
public final class BatchNormGradientKernel extends BatchNormGradientKernelForms {
  BatchNormGradientKernel(hs_batch_norm_desc desc, DType type, long rows, long channels) {
    super(desc, type, rows, channels, Sizes.product("x", rows, channels));
  }

  @Override
  public String toString() {
    return "gradient of batch normalisation " + type + " [" + rows + ", " + channels + "]";
  }
}
