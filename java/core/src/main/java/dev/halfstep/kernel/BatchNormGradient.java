package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_batch_norm_backward;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_batch_norm_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of {@link BatchNorm} in training, made by {@link BatchNorm.Builder#buildGradient}.
 * dy, x, y, dx and dResidual are {@code [rows, channels]}, all else F32 {@code [channels]}; y is
 * the output, savedMean and savedInvstd are what training left.
 *
 * <p>Optional operands (null, or address 0): {@code dResidual}, and {@code y} without RELU.
 * Immutable and safe to use from many threads.
 */
public final class BatchNormGradient {
  private static final Access ACCESS = Access.get();

  private final hs_batch_norm_desc desc;
  private final DType type;
  private final long rows;
  private final long channels;
  private final long size;

  BatchNormGradient(hs_batch_norm_desc desc, DType type, long rows, long channels) {
    this.desc = desc;
    this.type = type;
    this.rows = rows;
    this.channels = channels;
    this.size = Sizes.product("x", rows, channels);
  }

  /**
   * Finds the gradients. y is needed with RELU. One of dx and dResidual may be dy; dGamma and
   * dBeta: + accumulate * what they hold. Runs on tensors of the stream's device.
   */
  public void run(
      Stream stream,
      Tensor dy,
      Tensor x,
      @Nullable Tensor y,
      Tensor gamma,
      Tensor savedMean,
      Tensor savedInvstd,
      Tensor dx,
      @Nullable Tensor dResidual,
      Tensor dGamma,
      Tensor dBeta,
      float accumulate) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_batch_norm_backward(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", type, size),
              ACCESS.use(stream, x, "x", type, size),
              ACCESS.useOptional(stream, y, "y", type, size),
              ACCESS.use(stream, gamma, "gamma", DType.F32, channels),
              ACCESS.use(stream, savedMean, "savedMean", DType.F32, channels),
              ACCESS.use(stream, savedInvstd, "savedInvstd", DType.F32, channels),
              ACCESS.use(stream, dx, "dx", type, size),
              ACCESS.useOptional(stream, dResidual, "dResidual", type, size),
              ACCESS.use(stream, dGamma, "dGamma", DType.F32, channels),
              ACCESS.use(stream, dBeta, "dBeta", DType.F32, channels),
              accumulate));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(
      Buffer dy,
      Buffer x,
      @Nullable Buffer y,
      Buffer gamma,
      Buffer savedMean,
      Buffer savedInvstd,
      Buffer dx,
      @Nullable Buffer dResidual,
      Buffer dGamma,
      Buffer dBeta,
      float accumulate) {
    Native.check(
        hs_batch_norm_backward(
            0,
            desc,
            Operands.input(dy, "dy", type, size),
            Operands.input(x, "x", type, size),
            Operands.optionalInput(y, "y", type, size),
            Operands.input(gamma, "gamma", DType.F32, channels),
            Operands.input(savedMean, "savedMean", DType.F32, channels),
            Operands.input(savedInvstd, "savedInvstd", DType.F32, channels),
            Operands.output(dx, "dx", type, size),
            Operands.optionalOutput(dResidual, "dResidual", type, size),
            Operands.output(dGamma, "dGamma", DType.F32, channels),
            Operands.output(dBeta, "dBeta", DType.F32, channels),
            accumulate));
    Operands.keepAlive(dy, x, y, gamma, savedMean, savedInvstd);
    Operands.keepAlive(dx, dResidual, dGamma, dBeta, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(
      float[] dy,
      float[] x,
      float @Nullable [] y,
      float[] gamma,
      float[] savedMean,
      float[] savedInvstd,
      float[] dx,
      float @Nullable [] dResidual,
      float[] dGamma,
      float[] dBeta,
      float accumulate) {
    Operands.requireF32("batch normalisation", type, type);
    Native.check(
        ArrayCalls.hs_batch_norm_backward(
            0,
            desc,
            Operands.array(dy, "dy", size),
            Operands.array(x, "x", size),
            Operands.optional(y, "y", size),
            Operands.array(gamma, "gamma", channels),
            Operands.array(savedMean, "savedMean", channels),
            Operands.array(savedInvstd, "savedInvstd", channels),
            Operands.array(dx, "dx", size),
            Operands.optional(dResidual, "dResidual", size),
            Operands.array(dGamma, "dGamma", channels),
            Operands.array(dBeta, "dBeta", channels),
            accumulate));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(
      @Nullable Stream stream,
      long dy,
      long x,
      long y,
      long gamma,
      long savedMean,
      long savedInvstd,
      long dx,
      long dResidual,
      long dGamma,
      long dBeta,
      float accumulate) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_batch_norm_backward(
              handle,
              desc,
              dy,
              x,
              y,
              gamma,
              savedMean,
              savedInvstd,
              dx,
              dResidual,
              dGamma,
              dBeta,
              accumulate));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "gradient of batch normalisation " + type + " [" + rows + ", " + channels + "]";
  }
}
