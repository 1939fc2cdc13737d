package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_batch_norm_inference;
import static dev.halfstep.bindings.Native.hs_batch_norm_training;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_batch_norm_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) of x {@code [rows, channels]}, rows = n * height *
 * width in NHWC order: {@code y = activation((x - mean) * invstd * gamma + beta + residual)},
 * {@code invstd = 1 / sqrt(variance + eps)}. Training takes the mean and the biased variance of the
 * rows, of which there must be two or more; the running variance takes the unbiased one: {@code
 * running = (1 - momentum) running + momentum observed}.
 *
 * <p>gamma, beta and all statistics are F32 {@code [channels]}; x, y and residual {@code [rows,
 * channels]}. {@code residual} is optional (null, or address 0). Immutable and safe to use from
 * many threads. The gradients: {@link BatchNormGradient}.
 */
public final class BatchNorm {
  private static final Access ACCESS = Access.get();

  private final hs_batch_norm_desc desc;
  private final DType type;
  private final long rows;
  private final long channels;
  private final long size;

  private BatchNorm(Builder spec) {
    this.type = spec.type;
    this.rows = spec.rows;
    this.channels = spec.channels;
    this.size = Sizes.product("x", rows, channels);
    this.desc = spec.descriptor();
  }

  /** Of x F32 {@code [rows, channels]}, eps 1e-5, momentum 0.1, no activation. */
  public static Builder builder(long rows, long channels) {
    return new Builder(rows, channels);
  }

  /**
   * Normalises with the mean and variance of x and moves the running statistics. y may be x or
   * residual. Runs on tensors of the stream's device.
   */
  public void train(
      Stream stream,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      @Nullable Tensor residual,
      Tensor y,
      Tensor runningMean,
      Tensor runningVariance,
      Tensor savedMean,
      Tensor savedInvstd) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_batch_norm_training(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, size),
              ACCESS.use(stream, gamma, "gamma", DType.F32, channels),
              ACCESS.use(stream, beta, "beta", DType.F32, channels),
              ACCESS.useOptional(stream, residual, "residual", type, size),
              ACCESS.use(stream, y, "y", type, size),
              ACCESS.use(stream, runningMean, "runningMean", DType.F32, channels),
              ACCESS.use(stream, runningVariance, "runningVariance", DType.F32, channels),
              ACCESS.use(stream, savedMean, "savedMean", DType.F32, channels),
              ACCESS.use(stream, savedInvstd, "savedInvstd", DType.F32, channels)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void train(
      Buffer x,
      Buffer gamma,
      Buffer beta,
      @Nullable Buffer residual,
      Buffer y,
      Buffer runningMean,
      Buffer runningVariance,
      Buffer savedMean,
      Buffer savedInvstd) {
    Native.check(
        hs_batch_norm_training(
            0,
            desc,
            Operands.input(x, "x", type, size),
            Operands.input(gamma, "gamma", DType.F32, channels),
            Operands.input(beta, "beta", DType.F32, channels),
            Operands.optionalInput(residual, "residual", type, size),
            Operands.output(y, "y", type, size),
            Operands.output(runningMean, "runningMean", DType.F32, channels),
            Operands.output(runningVariance, "runningVariance", DType.F32, channels),
            Operands.output(savedMean, "savedMean", DType.F32, channels),
            Operands.output(savedInvstd, "savedInvstd", DType.F32, channels)));
    Operands.keepAlive(x, gamma, beta, residual, y, runningMean);
    Operands.keepAlive(runningVariance, savedMean, savedInvstd, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void train(
      float[] x,
      float[] gamma,
      float[] beta,
      float @Nullable [] residual,
      float[] y,
      float[] runningMean,
      float[] runningVariance,
      float[] savedMean,
      float[] savedInvstd) {
    Operands.requireF32("batch normalisation", type, type);
    Native.check(
        ArrayCalls.hs_batch_norm_training(
            0,
            desc,
            Operands.array(x, "x", size),
            Operands.array(gamma, "gamma", channels),
            Operands.array(beta, "beta", channels),
            Operands.optional(residual, "residual", size),
            Operands.array(y, "y", size),
            Operands.array(runningMean, "runningMean", channels),
            Operands.array(runningVariance, "runningVariance", channels),
            Operands.array(savedMean, "savedMean", channels),
            Operands.array(savedInvstd, "savedInvstd", channels)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void train(
      @Nullable Stream stream,
      long x,
      long gamma,
      long beta,
      long residual,
      long y,
      long runningMean,
      long runningVariance,
      long savedMean,
      long savedInvstd) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_batch_norm_training(
              handle,
              desc,
              x,
              gamma,
              beta,
              residual,
              y,
              runningMean,
              runningVariance,
              savedMean,
              savedInvstd));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * Normalises with the running statistics, which stay. y may be x or residual. Runs on tensors of
   * the stream's device.
   */
  public void infer(
      Stream stream,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      @Nullable Tensor residual,
      Tensor y,
      Tensor runningMean,
      Tensor runningVariance) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_batch_norm_inference(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, size),
              ACCESS.use(stream, gamma, "gamma", DType.F32, channels),
              ACCESS.use(stream, beta, "beta", DType.F32, channels),
              ACCESS.useOptional(stream, residual, "residual", type, size),
              ACCESS.use(stream, y, "y", type, size),
              ACCESS.use(stream, runningMean, "runningMean", DType.F32, channels),
              ACCESS.use(stream, runningVariance, "runningVariance", DType.F32, channels)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void infer(
      Buffer x,
      Buffer gamma,
      Buffer beta,
      @Nullable Buffer residual,
      Buffer y,
      Buffer runningMean,
      Buffer runningVariance) {
    Native.check(
        hs_batch_norm_inference(
            0,
            desc,
            Operands.input(x, "x", type, size),
            Operands.input(gamma, "gamma", DType.F32, channels),
            Operands.input(beta, "beta", DType.F32, channels),
            Operands.optionalInput(residual, "residual", type, size),
            Operands.output(y, "y", type, size),
            Operands.input(runningMean, "runningMean", DType.F32, channels),
            Operands.input(runningVariance, "runningVariance", DType.F32, channels)));
    Operands.keepAlive(x, gamma, beta, residual, y, runningMean);
    Operands.keepAlive(runningVariance, null, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void infer(
      float[] x,
      float[] gamma,
      float[] beta,
      float @Nullable [] residual,
      float[] y,
      float[] runningMean,
      float[] runningVariance) {
    Operands.requireF32("batch normalisation", type, type);
    Native.check(
        ArrayCalls.hs_batch_norm_inference(
            0,
            desc,
            Operands.array(x, "x", size),
            Operands.array(gamma, "gamma", channels),
            Operands.array(beta, "beta", channels),
            Operands.optional(residual, "residual", size),
            Operands.array(y, "y", size),
            Operands.array(runningMean, "runningMean", channels),
            Operands.array(runningVariance, "runningVariance", channels)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void infer(
      @Nullable Stream stream,
      long x,
      long gamma,
      long beta,
      long residual,
      long y,
      long runningMean,
      long runningVariance) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_batch_norm_inference(
              handle, desc, x, gamma, beta, residual, y, runningMean, runningVariance));
    } finally {
      ACCESS.exit(stream);
    }
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
    public BatchNorm build() {
      return new BatchNorm(this);
    }

    /** The kernel of the gradients; eps and momentum do not matter to it. */
    public BatchNormGradient buildGradient() {
      return new BatchNormGradient(descriptor(), type, rows, channels);
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
