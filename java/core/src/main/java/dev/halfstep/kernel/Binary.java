package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_ADD;
import static dev.halfstep.bindings.Native.HS_DIVIDE;
import static dev.halfstep.bindings.Native.HS_GREATER;
import static dev.halfstep.bindings.Native.HS_LESS;
import static dev.halfstep.bindings.Native.HS_MAXIMUM;
import static dev.halfstep.bindings.Native.HS_MINIMUM;
import static dev.halfstep.bindings.Native.HS_MULTIPLY;
import static dev.halfstep.bindings.Native.HS_SUBTRACT;
import static dev.halfstep.bindings.Native.hs_elementwise;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Functions of two arrays, element by element; the second repeats with a period that divides the
 * count. Immutable and safe to use from many threads.
 */
public final class Binary {
  private static final Access ACCESS = Access.get();

  private final int operation;
  private final String name;
  private final DType type;
  private final long count;
  private final long period;

  private Binary(int operation, String name, DType type, long count, long period) {
    Native.load();
    this.operation = operation;
    this.name = name;
    this.type = type;
    this.count = Sizes.notNegative("count", count);
    this.period = period;
    if (count > 0 && (period < 1 || count % period != 0)) {
      throw new IllegalArgumentException("period " + period + " does not divide count " + count);
    }
  }

  /** {@code y[i] = a[i] + b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static Binary add(DType type, long count, long period) {
    return new Binary(HS_ADD, "add", type, count, period);
  }

  /** {@code y[i] = a[i] - b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static Binary subtract(DType type, long count, long period) {
    return new Binary(HS_SUBTRACT, "subtract", type, count, period);
  }

  /** {@code y[i] = a[i] * b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static Binary multiply(DType type, long count, long period) {
    return new Binary(HS_MULTIPLY, "multiply", type, count, period);
  }

  /** {@code y[i] = a[i] / b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static Binary divide(DType type, long count, long period) {
    return new Binary(HS_DIVIDE, "divide", type, count, period);
  }

  /** {@code y[i]} = the larger of {@code a[i]} and {@code b[i % period]}, NaN if one is NaN. */
  public static Binary maximum(DType type, long count, long period) {
    return new Binary(HS_MAXIMUM, "maximum", type, count, period);
  }

  /** {@code y[i]} = the smaller of {@code a[i]} and {@code b[i % period]}, NaN if one is NaN. */
  public static Binary minimum(DType type, long count, long period) {
    return new Binary(HS_MINIMUM, "minimum", type, count, period);
  }

  /** The slope of {@link #maximum} by a: 0 where a < b, 1/2 where a = b, 1 elsewhere. */
  public static Binary greater(DType type, long count, long period) {
    return new Binary(HS_GREATER, "greater", type, count, period);
  }

  /** The slope of {@link #minimum} by a: 0 where a > b, 1/2 where a = b, 1 elsewhere. */
  public static Binary less(DType type, long count, long period) {
    return new Binary(HS_LESS, "less", type, count, period);
  }

  /**
   * Combines a and b. y may be a, and b where the period is the count. Runs on tensors of the
   * stream's device.
   */
  public void run(Stream stream, Tensor a, Tensor b, Tensor y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_elementwise(
              handle,
              operation,
              type.code(),
              count,
              period,
              ACCESS.use(stream, a, "a", type, count),
              ACCESS.use(stream, b, "b", type, period),
              ACCESS.use(stream, y, "y", type, count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer a, Buffer b, Buffer y) {
    Native.check(
        hs_elementwise(
            0,
            operation,
            type.code(),
            count,
            period,
            Operands.input(a, "a", type, count),
            Operands.input(b, "b", type, period),
            Operands.output(y, "y", type, count)));
    Operands.keepAlive(a, b, y, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] a, float[] b, float[] y) {
    Operands.requireF32("binary operation", type, type);
    Native.check(
        ArrayCalls.hs_elementwise(
            0,
            operation,
            type.code(),
            count,
            period,
            Operands.array(a, "a", count),
            Operands.array(b, "b", period),
            Operands.array(y, "y", count)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long a, long b, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_elementwise(handle, operation, type.code(), count, period, a, b, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return name + " " + type + " [" + count + "] with period " + period;
  }
}
