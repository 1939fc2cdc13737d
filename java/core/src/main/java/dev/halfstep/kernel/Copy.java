package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_copy;
import static dev.halfstep.bindings.Native.hs_fill;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import org.jspecify.annotations.Nullable;

/**
 * Fills a tensor with a value, or copies one. Addresses are unchecked: a wrong one ends the
 * process; with a null stream they are used on the CPU at once, from any thread. Rows that lie
 * apart: {@link CopyRowsKernel}; other types: {@link CastKernel}.
 */
public final class Copy {
  private static final Access ACCESS = Access.get();

  static {
    Native.load();
  }

  private Copy() {}

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
  public static void run(Stream stream, Tensor dst, Tensor src) {
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
  public static void run(@Nullable Stream stream, long dst, long src, long bytes) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_copy(handle, dst, src, bytes));
    } finally {
      ACCESS.exit(stream);
    }
  }
}
