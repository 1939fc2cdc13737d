package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_activation_backward;
import static dev.halfstep.bindings.Native.hs_activation_forward;
import static dev.halfstep.bindings.Native.hs_cast;
import static dev.halfstep.bindings.Native.hs_copy;
import static dev.halfstep.bindings.Native.hs_fill;

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
 * Kernels that treat each element alike: fill, copy, conversion, activations. Where a stream is not
 * given they run on the CPU at once, from any thread. Addresses are unchecked: a wrong one ends the
 * process; with a null stream they run on the CPU at once.
 */
public final class Elementwise {
  private static final Access ACCESS = Access.get();

  static {
    Native.load();
  }

  private Elementwise() {}

  /** Sets all elements to a value, converted to the tensor's type. */
  public static void fill(Stream stream, Tensor dst, double value) {
    long count = Operands.present(dst, "dst").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long address = ACCESS.use(stream, dst, "dst", dst.dtype(), count);
      Native.check(hs_fill(handle, dst.dtype().code(), address, count, value));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Sets {@code count} elements at an address to a value. */
  public static void fill(@Nullable Stream stream, DType type, long dst, long count, double value) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_fill(handle, type.code(), dst, count, value));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Copies all elements; same type and number of elements. */
  public static void copy(Stream stream, Tensor dst, Tensor src) {
    long count = Operands.present(dst, "dst").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long to = ACCESS.use(stream, dst, "dst", dst.dtype(), count);
      long from = ACCESS.use(stream, src, "src", dst.dtype(), count);
      Native.check(hs_copy(handle, to, from, dst.bytes()));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Copies bytes from address to address, both of the stream's device. */
  public static void copy(@Nullable Stream stream, long dst, long src, long bytes) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_copy(handle, dst, src, bytes));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Converts between F32, BF16 and F16 (to nearest, ties to even), or U8 and I32 to those. */
  public static void cast(Stream stream, Tensor src, Tensor dst) {
    long count = Operands.present(dst, "dst").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long from = ACCESS.use(stream, src, "src", Operands.present(src, "src").dtype(), count);
      long to = ACCESS.use(stream, dst, "dst", dst.dtype(), count);
      Native.check(hs_cast(handle, src.dtype().code(), from, dst.dtype().code(), to, count));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Converts {@code count} elements in direct buffers of these types. */
  public static void cast(DType srcType, Buffer src, DType dstType, Buffer dst, long count) {
    long from = Operands.input(src, "src", srcType, Sizes.notNegative("count", count));
    long to = Operands.output(dst, "dst", dstType, count);
    Native.check(hs_cast(0, srcType.code(), from, dstType.code(), to, count));
    Operands.keepAlive(src, dst, null, null, null, null);
  }

  /** Rounds floats to BF16 or F16, whose bits fill {@code dst}; all of {@code src}. */
  public static void cast(float[] src, DType dstType, short[] dst) {
    require16(dstType);
    Operands.array(dst, "dst", Operands.present(src, "src").length);
    Native.check(ArrayCalls.hs_cast(0, DType.F32.code(), src, dstType.code(), dst, src.length));
  }

  /** Widens BF16 or F16, given as bits, to floats; all of {@code src}. */
  public static void cast(DType srcType, short[] src, float[] dst) {
    require16(srcType);
    Operands.array(dst, "dst", Operands.present(src, "src").length);
    Native.check(ArrayCalls.hs_cast(0, srcType.code(), src, DType.F32.code(), dst, src.length));
  }

  private static void require16(DType type) {
    if (type != DType.BF16 && type != DType.F16) {
      throw new IllegalArgumentException(
          "short[] holds the bits of BF16 and F16, not of " + type + ": give one of these");
    }
  }

  /** Converts {@code count} elements from address to address. */
  public static void cast(
      @Nullable Stream stream, DType srcType, long src, DType dstType, long dst, long count) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_cast(handle, srcType.code(), src, dstType.code(), dst, count));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** {@code y = activation(x)}; F32, BF16 or F16; y may be x. */
  public static void activation(Stream stream, Activation activation, Tensor x, Tensor y) {
    long count = Operands.present(x, "x").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long from = ACCESS.use(stream, x, "x", x.dtype(), count);
      long to = ACCESS.use(stream, y, "y", x.dtype(), count);
      Native.check(
          hs_activation_forward(handle, activation.code(), x.dtype().code(), count, from, to));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** {@code y = activation(x)} of {@code count} elements in direct buffers; y may be x. */
  public static void activation(Activation activation, DType type, Buffer x, Buffer y, long count) {
    long from = Operands.input(x, "x", type, Sizes.notNegative("count", count));
    long to = Operands.output(y, "y", type, count);
    Native.check(hs_activation_forward(0, activation.code(), type.code(), count, from, to));
    Operands.keepAlive(x, y, null, null, null, null);
  }

  /** {@code y = activation(x)} of all of x; y may be x. The collector waits meanwhile. */
  public static void activation(Activation activation, float[] x, float[] y) {
    Operands.array(y, "y", Operands.present(x, "x").length);
    Native.check(
        ArrayCalls.hs_activation_forward(0, activation.code(), DType.F32.code(), x.length, x, y));
  }

  /** {@code y = activation(x)} of {@code count} elements at addresses. */
  public static void activation(
      @Nullable Stream stream, Activation activation, DType type, long count, long x, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_activation_forward(handle, activation.code(), type.code(), count, x, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * {@code dx = dy * activation'}, from {@code saved}: the output y for RELU, SIGMOID and TANH, the
   * input x for GELU. dx may be dy.
   */
  public static void activationGradient(
      Stream stream, Activation activation, Tensor dy, Tensor saved, Tensor dx) {
    long count = Operands.present(dy, "dy").shape().elements();
    DType type = dy.dtype();
    long handle = ACCESS.enter(stream);
    try {
      long gradient = ACCESS.use(stream, dy, "dy", type, count);
      long value = ACCESS.use(stream, saved, "saved", type, count);
      long result = ACCESS.use(stream, dx, "dx", type, count);
      Native.check(
          hs_activation_backward(
              handle, activation.code(), type.code(), count, gradient, value, result));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, of {@code count} elements in direct buffers. */
  public static void activationGradient(
      Activation activation, DType type, Buffer dy, Buffer saved, Buffer dx, long count) {
    long gradient = Operands.input(dy, "dy", type, Sizes.notNegative("count", count));
    long value = Operands.input(saved, "saved", type, count);
    long result = Operands.output(dx, "dx", type, count);
    Native.check(
        hs_activation_backward(0, activation.code(), type.code(), count, gradient, value, result));
    Operands.keepAlive(dy, saved, dx, null, null, null);
  }

  /** As above, of all of dy. The collector waits meanwhile. */
  public static void activationGradient(
      Activation activation, float[] dy, float[] saved, float[] dx) {
    Operands.array(saved, "saved", Operands.present(dy, "dy").length);
    Operands.array(dx, "dx", dy.length);
    Native.check(
        ArrayCalls.hs_activation_backward(
            0, activation.code(), DType.F32.code(), dy.length, dy, saved, dx));
  }

  /** As above, of {@code count} elements at addresses. */
  public static void activationGradient(
      @Nullable Stream stream,
      Activation activation,
      DType type,
      long count,
      long dy,
      long saved,
      long dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_activation_backward(handle, activation.code(), type.code(), count, dy, saved, dx));
    } finally {
      ACCESS.exit(stream);
    }
  }
}
