package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Host memory as kernels and devices read it: direct, native byte order, whole from position 0. */
final class DirectBuffers {
  private DirectBuffers() {}

  static ByteBuffer allocate(DType type, long elements, String what) {
    return ByteBuffer.allocateDirect(bytes(type, elements, what)).order(ByteOrder.nativeOrder());
  }

  /** The bytes of so many elements, which a Java buffer must be able to index. */
  static int bytes(DType type, long elements, String what) {
    if (elements > Integer.MAX_VALUE / type.bytes()) {
      throw new IllegalArgumentException(
          what
              + " of "
              + elements
              + " elements of "
              + type
              + " exceed the 2 GiB that one data set can hold: split it");
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

  /** The rows one after the other. */
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

  /** A copy of these samples, each of so many bytes, in this order. */
  static ByteBuffer subset(ByteBuffer buffer, int[] samples, int sampleBytes) {
    int size = buffer.limit() / sampleBytes;
    ByteBuffer part =
        allocate(DType.U8, (long) samples.length * sampleBytes, "samples that are copied");
    for (int i = 0; i < samples.length; i++) {
      if (samples[i] < 0 || samples[i] >= size) {
        throw new IllegalArgumentException(
            "no sample "
                + samples[i]
                + " among "
                + size
                + ": give indices from 0 to "
                + (size - 1));
      }
      part.put(i * sampleBytes, buffer, samples[i] * sampleBytes, sampleBytes);
    }
    return part;
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
