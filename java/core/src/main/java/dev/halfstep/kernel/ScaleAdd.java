package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_scale_add;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/** A scaled sum, {@code y = alpha * x + beta * y}. Immutable and safe to use from many threads. */
public final class ScaleAdd {
  private static final Access ACCESS = Access.get();

  private final DType type;
  private final long count;
  private final float alpha;
  private final float beta;

  private ScaleAdd(DType type, long count, float alpha, float beta) {
    Native.load();
    this.type = type;
    this.count = Sizes.notNegative("count", count);
    this.alpha = alpha;
    this.beta = beta;
  }

  /** {@code y = alpha * x + beta * y} of {@code count} elements: F32, BF16 or F16. */
  public static ScaleAdd of(DType type, long count, float alpha, float beta) {
    return new ScaleAdd(type, count, alpha, beta);
  }

  /**
   * Changes y, which is not read where beta is 0. y may be x. Runs on tensors of the stream's
   * device.
   */
  public void run(Stream stream, Tensor x, Tensor y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_scale_add(
              handle,
              type.code(),
              count,
              alpha,
              ACCESS.use(stream, x, "x", type, count),
              beta,
              ACCESS.use(stream, y, "y", type, count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y) {
    Native.check(
        hs_scale_add(
            0,
            type.code(),
            count,
            alpha,
            Operands.input(x, "x", type, count),
            beta,
            Operands.output(y, "y", type, count)));
    Operands.keepAlive(x, y, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y) {
    Operands.requireF32("scaled sum", type, type);
    Native.check(
        ArrayCalls.hs_scale_add(
            0,
            type.code(),
            count,
            alpha,
            Operands.array(x, "x", count),
            beta,
            Operands.array(y, "y", count)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long x, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_scale_add(handle, type.code(), count, alpha, x, beta, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "scaled sum " + type + " [" + count + "]";
  }
}
