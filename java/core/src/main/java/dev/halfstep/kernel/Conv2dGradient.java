package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_conv2d_backward_data;
import static dev.halfstep.bindings.Native.hs_conv2d_backward_weights;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_conv2d_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of {@link Conv2d}, made by {@link Conv2d.Builder#buildGradient}. x and dx are
 * {@code [n, h, w, c]}, dy {@code [n, p, q, k]} and weights {@code [k, r, s, c / groups]} of the
 * kernel's type; dWeights, laid out as the weights, and dBias {@code [k]} are F32. dy is the
 * gradient behind the activation. {@code dBias} is optional (null, or address 0). Immutable and
 * safe to use from many threads.
 */
public final class Conv2dGradient {
  private static final Access ACCESS = Access.get();

  private final hs_conv2d_desc desc;
  private final DType type;
  private final Shape x;
  private final Shape weights;
  private final Shape y;

  Conv2dGradient(hs_conv2d_desc desc, DType type, Shape x, Shape weights, Shape y) {
    this.desc = desc;
    this.type = type;
    this.x = x;
    this.weights = weights;
    this.y = y;
  }

  /**
   * {@code dx = gradient of the input + beta * dx}; beta 0: dx is not read. Runs on tensors of the
   * stream's device.
   */
  public void input(Stream stream, Tensor dy, Tensor weights, float beta, Tensor dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_conv2d_backward_data(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", type, y.elements()),
              ACCESS.use(stream, weights, "weights", type, this.weights.elements()),
              beta,
              ACCESS.use(stream, dx, "dx", type, x.elements())));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void input(Buffer dy, Buffer weights, float beta, Buffer dx) {
    Native.check(
        hs_conv2d_backward_data(
            0,
            desc,
            Operands.input(dy, "dy", type, y.elements()),
            Operands.input(weights, "weights", type, this.weights.elements()),
            beta,
            Operands.output(dx, "dx", type, x.elements())));
    Operands.keepAlive(dy, weights, dx, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void input(float[] dy, float[] weights, float beta, float[] dx) {
    Operands.requireF32("convolution", type, type);
    Native.check(
        ArrayCalls.hs_conv2d_backward_data(
            0,
            desc,
            Operands.array(dy, "dy", y.elements()),
            Operands.array(weights, "weights", this.weights.elements()),
            beta,
            Operands.array(dx, "dx", x.elements())));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void input(@Nullable Stream stream, long dy, long weights, float beta, long dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_conv2d_backward_data(handle, desc, dy, weights, beta, dx));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * {@code dWeights = gradient of the weights + beta * dWeights}, dBias likewise; beta 0: neither
   * is read. Runs on tensors of the stream's device.
   */
  public void weights(
      Stream stream, Tensor x, Tensor dy, float beta, Tensor dWeights, @Nullable Tensor dBias) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_conv2d_backward_weights(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, this.x.elements()),
              ACCESS.use(stream, dy, "dy", type, y.elements()),
              beta,
              ACCESS.use(stream, dWeights, "dWeights", DType.F32, weights.elements()),
              ACCESS.useOptional(stream, dBias, "dBias", DType.F32, weights.dim(0))));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void weights(Buffer x, Buffer dy, float beta, Buffer dWeights, @Nullable Buffer dBias) {
    Native.check(
        hs_conv2d_backward_weights(
            0,
            desc,
            Operands.input(x, "x", type, this.x.elements()),
            Operands.input(dy, "dy", type, y.elements()),
            beta,
            Operands.output(dWeights, "dWeights", DType.F32, weights.elements()),
            Operands.optionalOutput(dBias, "dBias", DType.F32, weights.dim(0))));
    Operands.keepAlive(x, dy, dWeights, dBias, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void weights(
      float[] x, float[] dy, float beta, float[] dWeights, float @Nullable [] dBias) {
    Operands.requireF32("convolution", type, type);
    Native.check(
        ArrayCalls.hs_conv2d_backward_weights(
            0,
            desc,
            Operands.array(x, "x", this.x.elements()),
            Operands.array(dy, "dy", y.elements()),
            beta,
            Operands.array(dWeights, "dWeights", weights.elements()),
            Operands.optional(dBias, "dBias", weights.dim(0))));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void weights(
      @Nullable Stream stream, long x, long dy, float beta, long dWeights, long dBias) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_conv2d_backward_weights(handle, desc, x, dy, beta, dWeights, dBias));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "convolution gradient " + type + " of " + x + " with " + weights;
  }
}
