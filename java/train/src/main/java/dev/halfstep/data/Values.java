package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;

/** Numbers to predict, {@code F32 [samples, sampleShape...]}. Immutable. */
public final class Values implements Targets {
  private final ByteBuffer buffer;
  private final Shape sampleShape;
  private final int size;

  private Values(ByteBuffer buffer, Shape sampleShape) {
    this.buffer = buffer;
    this.sampleShape = sampleShape;
    this.size = DirectBuffers.samples(buffer, DType.F32, sampleShape, "target values");
  }

  /**
   * Copies rows of numbers: one sample per row, of shape {@code [values]}.
   *
   * @throws IllegalArgumentException if there is no row, or the rows differ in length
   */
  public static Values of(float[][] rows) {
    float[] flat = DirectBuffers.flatten(rows, "target values");
    return of(flat, Shape.of(rows.length == 0 ? 0 : rows[0].length));
  }

  /** Copies {@code [samples, sampleShape...]} numbers, row-major. */
  public static Values of(float[] values, Shape sampleShape) {
    return new Values(DirectBuffers.copyOf(values), sampleShape);
  }

  /** Uses numbers in a direct buffer, without a copy. */
  static Values adopt(ByteBuffer values, Shape sampleShape) {
    return new Values(values, sampleShape);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public DType type() {
    return DType.F32;
  }

  @Override
  public Shape sampleShape() {
    return sampleShape;
  }

  @Override
  public ByteBuffer buffer() {
    return DirectBuffers.view(buffer, 0, buffer.limit());
  }

  @Override
  public Values slice(int from, int to) {
    DirectBuffers.checkSlice(from, to, size);
    int sampleBytes = buffer.limit() / size;
    ByteBuffer part = DirectBuffers.view(buffer, from * sampleBytes, (to - from) * sampleBytes);
    return new Values(part, sampleShape);
  }
}
