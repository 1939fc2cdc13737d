package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_ADD;
import static dev.halfstep.bindings.Native.HS_DIVIDE;
import static dev.halfstep.bindings.Native.HS_GREATER;
import static dev.halfstep.bindings.Native.HS_LESS;
import static dev.halfstep.bindings.Native.HS_MAXIMUM;
import static dev.halfstep.bindings.Native.HS_MINIMUM;
import static dev.halfstep.bindings.Native.HS_MULTIPLY;
import static dev.halfstep.bindings.Native.HS_SUBTRACT;

import dev.halfstep.DType;

/**
 * Functions of two arrays, element by element; the second repeats with a period that divides the
 * count. Immutable and safe to use from many threads.
 */
public final class ElementwiseKernel extends ElementwiseKernelForms {
  private final String name;

  private ElementwiseKernel(int operation, String name, DType type, long count, long period) {
    super(operation, type, Sizes.notNegative("count", count), Sizes.notNegative("period", period));
    this.name = name;
    if (count > 0 && (period < 1 || count % period != 0)) {
      throw new IllegalArgumentException("period " + period + " does not divide count " + count);
    }
  }

  /** {@code y[i] = a[i] + b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static ElementwiseKernel add(DType type, long count, long period) {
    return new ElementwiseKernel(HS_ADD, "add", type, count, period);
  }

  /** {@code y[i] = a[i] - b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static ElementwiseKernel subtract(DType type, long count, long period) {
    return new ElementwiseKernel(HS_SUBTRACT, "subtract", type, count, period);
  }

  /** {@code y[i] = a[i] * b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static ElementwiseKernel multiply(DType type, long count, long period) {
    return new ElementwiseKernel(HS_MULTIPLY, "multiply", type, count, period);
  }

  /** {@code y[i] = a[i] / b[i % period]} of {@code count} elements: F32, BF16 or F16. */
  public static ElementwiseKernel divide(DType type, long count, long period) {
    return new ElementwiseKernel(HS_DIVIDE, "divide", type, count, period);
  }

  /** {@code y[i]} = the larger of {@code a[i]} and {@code b[i % period]}, NaN if one is NaN. */
  public static ElementwiseKernel maximum(DType type, long count, long period) {
    return new ElementwiseKernel(HS_MAXIMUM, "maximum", type, count, period);
  }

  /** {@code y[i]} = the smaller of {@code a[i]} and {@code b[i % period]}, NaN if one is NaN. */
  public static ElementwiseKernel minimum(DType type, long count, long period) {
    return new ElementwiseKernel(HS_MINIMUM, "minimum", type, count, period);
  }

  /** The slope of {@link #maximum} by a: {@code a < b ? 0 : a == b ? 0.5 : 1}. */
  public static ElementwiseKernel greater(DType type, long count, long period) {
    return new ElementwiseKernel(HS_GREATER, "greater", type, count, period);
  }

  /** The slope of {@link #minimum} by a: {@code a > b ? 0 : a == b ? 0.5 : 1}. */
  public static ElementwiseKernel less(DType type, long count, long period) {
    return new ElementwiseKernel(HS_LESS, "less", type, count, period);
  }

  @Override
  public String toString() {
    return name + " " + type + " [" + count + "] with period " + period;
  }
}
