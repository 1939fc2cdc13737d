package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;

/**
 * The inputs of a data set, {@code [samples, sampleShape...]}, in one direct buffer that is
 * uploaded to the device or gathered from. Images are {@code [height, width, channels]}. Types:
 * {@code U8} (raw pixels), {@code F32}, {@code I32} (tokens). Kernels normalise while they gather.
 * Immutable; slices share the memory.
 */
public final class Features {
  private final ByteBuffer buffer;
  private final DType type;
  private final Shape sampleShape;
  private final Normalization normalization;
  private final int size;

  private Features(ByteBuffer buffer, DType type, Shape sampleShape, Normalization normalization) {
    this.buffer = buffer;
    this.type = type;
    this.sampleShape = sampleShape;
    this.normalization = normalization;
    this.size = DirectBuffers.samples(buffer, type, sampleShape, "features");
  }

  /**
   * Uses the bytes of a buffer from position to limit without a copy; they must not change any
   * more.
   *
   * @param buffer direct, native byte order, a whole number of samples
   * @param type {@code U8}, {@code F32} or {@code I32}
   * @throws IllegalArgumentException if the buffer or type is not such
   */
  public static Features adopt(ByteBuffer buffer, DType type, Shape sampleShape) {
    if (type != DType.U8 && type != DType.F32 && type != DType.I32) {
      throw new IllegalArgumentException("features are U8, F32 or I32, not " + type);
    }
    return new Features(
        buffer.slice().order(buffer.order()), type, sampleShape, Normalization.NONE);
  }

  /**
   * Copies rows of numbers: one sample per row, of shape {@code [features]}.
   *
   * @throws IllegalArgumentException if there is no row, or the rows differ in length
   */
  public static Features of(float[][] rows) {
    float[] flat = DirectBuffers.flatten(rows, "features");
    return of(flat, Shape.of(rows.length == 0 ? 0 : rows[0].length));
  }

  /** Copies {@code [samples, sampleShape...]} numbers, row-major. */
  public static Features of(float[] values, Shape sampleShape) {
    return adopt(DirectBuffers.copyOf(values), DType.F32, sampleShape);
  }

  /** Copies {@code [samples, sampleShape...]} unsigned bytes, row-major. */
  public static Features of(byte[] values, Shape sampleShape) {
    return adopt(DirectBuffers.copyOf(values), DType.U8, sampleShape);
  }

  /** Copies {@code [samples, sampleShape...]} tokens, row-major. */
  public static Features of(int[] tokens, Shape sampleShape) {
    return adopt(DirectBuffers.copyOf(tokens), DType.I32, sampleShape);
  }

  /**
   * The same features with another normalisation.
   *
   * @throws IllegalArgumentException if its channels do not fit the last dimension, or the features
   *     are tokens
   */
  public Features withNormalization(Normalization normalization) {
    spec(InputSpec.DEFAULT_NAME).withNormalization(normalization); // throws if it does not fit
    return new Features(buffer, type, sampleShape, normalization);
  }

  /** The spec of one sample's features, with this name. */
  InputSpec spec(String name) {
    return new InputSpec(name, type, sampleShape, normalization);
  }

  /** The number of samples. */
  public int size() {
    return size;
  }

  /** {@code U8}, {@code F32} or {@code I32}. */
  public DType type() {
    return type;
  }

  /** The shape of one sample. */
  public Shape sampleShape() {
    return sampleShape;
  }

  /** The normalisation that kernels apply while they gather. */
  public Normalization normalization() {
    return normalization;
  }

  /**
   * A new read-only view of the samples in memory: direct, native order, from position 0 to the end
   * of the last sample. The memory lives as long as these features, a slice of them, or the
   * returned view is reachable.
   */
  public ByteBuffer buffer() {
    return DirectBuffers.view(buffer, 0, buffer.limit());
  }

  /**
   * The samples in [from, to), without a copy.
   *
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  public Features slice(int from, int to) {
    DirectBuffers.checkSlice(from, to, size);
    int sampleBytes = buffer.limit() / size;
    ByteBuffer part = DirectBuffers.view(buffer, from * sampleBytes, (to - from) * sampleBytes);
    return new Features(part, type, sampleShape, normalization);
  }
}
