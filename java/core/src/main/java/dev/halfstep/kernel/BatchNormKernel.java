package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_batch_norm_desc;
import dev.halfstep.internal.Structs;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) of x {@code [rows, channels]}, rows = n * height *
 * width in NHWC order: {@code y = activation((x - mean) * invstd * gamma + beta + residual)},
 * {@code invstd = 1 / sqrt(variance + eps)}. Training takes the mean and the biased variance of the
 * rows, of which there must be two or more; the running variance takes the unbiased one: {@code
 * running = (1 - momentum) running + momentum observed}.
 *
 * <p>gamma, beta and all statistics are F32 {@code [channels]}; x, y and residual {@code [rows,
 * channels]}. {@code residual} is optional (null, or address 0). Immutable and safe to use from
 * many threads. The gradients: {@link BatchNormGradientKernel}.
 */
public final class BatchNormKernel extends BatchNormKernelForms {
  private BatchNormKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        spec.rows,
        spec.channels,
        Sizes.product("x", spec.rows, spec.channels));
  }

  /** Of x F32 {@code [rows, channels]}, eps 1e-5, momentum 0.1, no activation. */
  public static Builder builder(long rows, long channels) {
    return new Builder(rows, channels);
  }

  @Override
  public String toString() {
    return "batch normalisation " + type + " [" + rows + ", " + channels + "]";
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final long rows;
    private final long channels;
    private DType type = DType.F32;
    private float eps = 1e-5f;
    private float momentum = 0.1f;
    private Activation activation = Activation.NONE;

    private Builder(long rows, long channels) {
      this.rows = Sizes.notNegative("rows", rows);
      this.channels = Sizes.positive("channels", channels);
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The type of x, y, residual and their gradients: F32, BF16 or F16. */
    public Builder type(DType dtype) {
      Builder copy = copy();
      copy.type = dtype;
      return copy;
    }

    /** Added to the variance. */
    public Builder eps(float term) {
      Builder copy = copy();
      copy.eps = term;
      return copy;
    }

    /** The share of a new batch in the running statistics. */
    public Builder momentum(float share) {
      Builder copy = copy();
      copy.momentum = share;
      return copy;
    }

    /** NONE or RELU, applied after the residual is added. */
    public Builder activation(Activation function) {
      Builder copy = copy();
      copy.activation = function;
      return copy;
    }

    /** The kernel. */
    public BatchNormKernel build() {
      return new BatchNormKernel(this);
    }

    /** The kernel of the gradients; eps and momentum do not matter to it. */
    public BatchNormGradientKernel buildGradient() {
      return new BatchNormGradientKernel(descriptor(), type, rows, channels);
    }

    private hs_batch_norm_desc descriptor() {
      return new hs_batch_norm_desc(Structs.memory(hs_batch_norm_desc.class))
          .type(type.code())
          .rows(rows)
          .channels(channels)
          .eps(eps)
          .momentum(momentum)
          .activation(activation.code());
    }
  }
}
