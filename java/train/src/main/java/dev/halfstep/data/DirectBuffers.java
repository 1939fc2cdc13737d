package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Direct buffers in native byte order, which kernels and devices can read. */
final class DirectBuffers {
  private static final long READ_AT_ONCE = 4L << 20; // bytes

  private DirectBuffers() {}

  static ByteBuffer allocate(DType type, long elements, String what) {
    return ByteBuffer.allocateDirect(bytes(type, elements, what)).order(ByteOrder.nativeOrder());
  }

  /** The size of {@code elements} elements in bytes; throws if a Java buffer cannot index them. */
  static int bytes(DType type, long elements, String what) {
    if (elements > Integer.MAX_VALUE / type.bytes()) {
      throw new IllegalArgumentException(
          what
              + " of "
              + elements
              + " elements of "
              + type
              + " exceed the 2 GiB that one array can hold: split it, or read it from where it lies"
              + " by a Dataset of your own");
    }
    return Math.toIntExact(elements * type.bytes());
  }

  static ByteBuffer copyOf(byte[] values) {
    return allocate(DType.U8, values.length, "values").put(0, values);
  }

  static ByteBuffer copyOf(int[] values) {
    ByteBuffer buffer = allocate(DType.I32, values.length, "values");
    buffer.asIntBuffer().put(values);
    return buffer;
  }

  static ByteBuffer copyOf(float[] values) {
    ByteBuffer buffer = allocate(DType.F32, values.length, "values");
    buffer.asFloatBuffer().put(values);
    return buffer;
  }

  /** The rows concatenated. */
  static float[] flatten(float[][] rows, String what) {
    int width = rows.length == 0 ? 0 : rows[0].length;
    float[] flat = new float[Math.multiplyExact(rows.length, width)];
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != width) {
        throw new IllegalArgumentException(
            what + " of sample " + i + ": " + rows[i].length + ", but sample 0 has " + width);
      }
      System.arraycopy(rows[i], 0, flat, i * width, width);
    }
    return flat;
  }

  /** A read-only view of some bytes. */
  static ByteBuffer view(ByteBuffer buffer, int from, int length) {
    return buffer.slice(from, length).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * The number of samples of this shape that the buffer holds from its position to its limit.
   *
   * @throws IllegalArgumentException if the buffer is not direct or not in native order, or if it
   *     does not hold a whole number of samples, at least one
   */
  static int samples(ByteBuffer buffer, DType type, Shape sampleShape, String what) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          what + " lie in a heap buffer: use ByteBuffer.allocateDirect, or pass the array");
    }
    if (type.bytes() > 1 && buffer.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          what
              + " lie in a buffer with byte order "
              + buffer.order()
              + ": set order(ByteOrder.nativeOrder()), "
              + ByteOrder.nativeOrder()
              + ", before it is filled");
    }
    long sampleBytes = bytes(type, sampleShape.elements(), "one sample's " + what);
    if (sampleBytes == 0) {
      throw new IllegalArgumentException(what + " of shape " + sampleShape + " have no elements");
    }
    if (buffer.remaining() == 0 || buffer.remaining() % sampleBytes != 0) {
      throw new IllegalArgumentException(
          what
              + " take "
              + buffer.remaining()
              + " bytes, which is not a whole number of samples of "
              + type
              + " "
              + sampleShape
              + " ("
              + sampleBytes
              + " bytes each; at least one)");
    }
    return Math.toIntExact(buffer.remaining() / sampleBytes);
  }

  /** Throws unless each index is in [0, size). */
  static void checkIndices(int[] samples, int size) {
    for (int sample : samples) {
      if (sample < 0 || sample >= size) {
        throw new IllegalArgumentException(
            "no sample " + sample + " among " + size + ": give indices from 0 to " + (size - 1));
      }
    }
  }

  /** The indices from {@code from} on. */
  static int[] range(int from, int count) {
    int[] indices = new int[count];
    for (int i = 0; i < count; i++) {
      indices[i] = from + i;
    }
    return indices;
  }

  /** How many samples to read at once when all {@code samples} are read. */
  static int rowsAtOnce(SampleForm form, int samples) {
    return (int) Math.max(1, Math.min(samples, READ_AT_ONCE / form.sampleBytes()));
  }

  /** Checks the range [from, to) of a slice. */
  static void checkSlice(int from, int to, int size) {
    if (from < 0 || from >= to || to > size) {
      throw new IllegalArgumentException(
          "no samples "
              + from
              + " up to "
              + to
              + " among "
              + size
              + ": give 0 <= from < to <= size");
    }
  }
}
