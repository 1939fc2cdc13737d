package dev.halfstep.internal;

import dev.halfstep.DType;
import dev.halfstep.bindings.Addresses;
import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import org.jspecify.annotations.Nullable;

/** Checks of arrays and buffers that are passed to kernels. Allocates nothing unless it throws. */
public final class Operands {
  private Operands() {}

  /** The array, if it has at least this many elements. */
  public static float[] array(float[] array, String name, long elements) {
    requireLength(name, present(array, name).length, elements);
    return array;
  }

  /** The array, if it has at least this many elements. */
  public static int[] array(int[] array, String name, long elements) {
    requireLength(name, present(array, name).length, elements);
    return array;
  }

  /** The array, if it has at least this many elements. */
  public static byte[] array(byte[] array, String name, long elements) {
    requireLength(name, present(array, name).length, elements);
    return array;
  }

  /** The array, if it has at least this many elements. */
  public static short[] array(short[] array, String name, long elements) {
    requireLength(name, present(array, name).length, elements);
    return array;
  }

  /** The array, null or with at least this many elements. */
  public static float @Nullable [] optional(float @Nullable [] array, String name, long elements) {
    return array == null ? null : array(array, name, elements);
  }

  /** The array, null or with at least this many elements. */
  public static int @Nullable [] optional(int @Nullable [] array, String name, long elements) {
    return array == null ? null : array(array, name, elements);
  }

  /** The array, null or with at least this many elements. */
  public static byte @Nullable [] optional(byte @Nullable [] array, String name, long elements) {
    return array == null ? null : array(array, name, elements);
  }

  /** The operand, unless it is null. */
  public static <T> T present(T operand, String name) {
    if (operand == null) {
      throw new NullPointerException(name + " is null: it is not optional");
    }
    return operand;
  }

  private static void requireLength(String name, long length, long elements) {
    if (length < elements) {
      throw new IllegalArgumentException(
          name + " has " + length + " elements, but the call needs " + elements);
    }
  }

  /**
   * The address of a buffer's position.
   *
   * @param elements at most {@link dev.halfstep.Shape#MAX_ELEMENTS}
   * @throws IllegalArgumentException unless it is direct, in native order, of the type (or a
   *     ByteBuffer, aligned to the type), and has this many elements from its position to its limit
   * @throws IllegalStateException if it is a view of a memory segment whose arena is closed
   */
  public static long input(Buffer buffer, String name, DType dtype, long elements) {
    if (!present(buffer, name).isDirect()) {
      throw new IllegalArgumentException(
          name
              + " is a heap buffer: give a direct one (ByteBuffer.allocateDirect, native order), or"
              + " the array itself");
    }
    int size = elementSize(buffer, name, dtype);
    long bytes = (long) buffer.remaining() * size;
    if (bytes < elements * dtype.bytes()) {
      throw new IllegalArgumentException(
          name
              + " has "
              + bytes / dtype.bytes()
              + " elements of "
              + dtype
              + " from its position to its limit, but the call needs "
              + elements);
    }
    if (buffer.hasRemaining()) {
      requireAlive(buffer, name);
    }
    long address = Addresses.of(buffer) + (long) buffer.position() * size;
    if (address % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          name
              + " begins at address 0x"
              + Long.toHexString(address)
              + ", which is no multiple of the "
              + dtype.bytes()
              + " bytes of "
              + dtype
              + ": move its position");
    }
    return address;
  }

  /**
   * Reads the buffer's first element, which throws if the buffer's memory belongs to a closed arena
   * ({@code java.lang.foreign}, which Java 17 does not have). Java checks this at each access, but
   * not when it gives the address.
   */
  private static void requireAlive(Buffer buffer, String name) {
    try {
      touch(buffer);
    } catch (IllegalStateException closed) {
      throw new IllegalStateException(
          name + " is a buffer of memory that has been given back: " + closed.getMessage(), closed);
    }
  }

  @SuppressWarnings("ReturnValueIgnored")
  private static void touch(Buffer buffer) {
    if (buffer instanceof FloatBuffer floats) {
      floats.get(floats.position());
    } else if (buffer instanceof ByteBuffer bytes) {
      bytes.get(bytes.position());
    } else if (buffer instanceof IntBuffer ints) {
      ints.get(ints.position());
    } else if (buffer instanceof ShortBuffer shorts) {
      shorts.get(shorts.position());
    } else if (buffer instanceof LongBuffer longs) {
      longs.get(longs.position());
    } else if (buffer instanceof DoubleBuffer doubles) {
      doubles.get(doubles.position());
    }
  }

  /** As {@link #input}, of a buffer that may be written. */
  public static long output(Buffer buffer, String name, DType dtype, long elements) {
    long address = input(buffer, name, dtype, elements);
    if (buffer.isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only, but the call writes it");
    }
    return address;
  }

  /** As {@link #input}; 0 for null. */
  public static long optionalInput(
      @Nullable Buffer buffer, String name, DType dtype, long elements) {
    return buffer == null ? 0 : input(buffer, name, dtype, elements);
  }

  /** As {@link #output}; 0 for null. */
  public static long optionalOutput(
      @Nullable Buffer buffer, String name, DType dtype, long elements) {
    return buffer == null ? 0 : output(buffer, name, dtype, elements);
  }

  /**
   * Keeps a direct buffer reachable until this point, so that the collector does not free it while
   * a native call uses its address. Called after the native call; that throws nothing, so no {@code
   * finally} is needed.
   */
  @SuppressWarnings("ReachabilityFenceUsage")
  public static void keepAlive(@Nullable Object operand) {
    Reference.reachabilityFence(operand);
  }

  /** Arrays hold F32 alone: other types go in direct buffers or tensors. */
  public static void requireF32(String kernel, DType first, DType second) {
    if (first != DType.F32 || second != DType.F32) {
      throw new IllegalArgumentException(
          kernel
              + " was built for "
              + (first == DType.F32 ? second : first)
              + ", which float[] does not hold: pass direct buffers or tensors");
    }
  }

  /** Arrays of these types hold what a kernel was built for. */
  public static void requireTypes(
      String kernel, DType first, DType firstHeld, DType second, DType secondHeld) {
    if (first != firstHeld || second != secondHeld) {
      throw new IllegalArgumentException(
          kernel
              + " was built from "
              + first
              + " to "
              + second
              + ", but these arrays hold "
              + firstHeld
              + " and "
              + secondHeld
              + ": pass direct buffers or tensors, or build it for these types");
    }
  }

  /** Bytes of a buffer's element, if its class and order suit the type. */
  public static int elementSize(Buffer buffer, String name, DType dtype) {
    if (buffer instanceof ByteBuffer bytes) {
      return ordered(dtype.bytes() == 1 ? ByteOrder.nativeOrder() : bytes.order(), name, 1);
    }
    if (buffer instanceof FloatBuffer floats && dtype == DType.F32) {
      return ordered(floats.order(), name, Float.BYTES);
    }
    if (buffer instanceof IntBuffer ints && dtype == DType.I32) {
      return ordered(ints.order(), name, Integer.BYTES);
    }
    if (buffer instanceof ShortBuffer shorts && (dtype == DType.BF16 || dtype == DType.F16)) {
      return ordered(shorts.order(), name, Short.BYTES);
    }
    if (buffer instanceof LongBuffer longs && dtype == DType.I64) {
      return ordered(longs.order(), name, Long.BYTES);
    }
    if (buffer instanceof DoubleBuffer doubles && dtype == DType.F64) {
      return ordered(doubles.order(), name, Double.BYTES);
    }
    throw new IllegalArgumentException(
        name
            + " is a "
            + buffer.getClass().getSimpleName()
            + ", which does not hold "
            + dtype
            + ": give a ByteBuffer, or the buffer of that type");
  }

  private static int ordered(ByteOrder order, String name, int size) {
    if (order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          name
              + " has byte order "
              + order
              + ", but the processor's is "
              + ByteOrder.nativeOrder()
              + ": make it with order(ByteOrder.nativeOrder())");
    }
    return size;
  }
}
