package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;

/**
 * What a model is to say about the samples: class {@link Labels} or {@link Values}, {@code
 * [samples, sampleShape...]}, in one direct buffer.
 */
public sealed interface Targets permits Labels, Values {
  /** The number of samples. */
  int size();

  /** {@code I32} for labels, {@code F32} for values. */
  DType type();

  /** The shape of one sample's targets; {@code []} for one label a sample. */
  Shape sampleShape();

  /** The targets as they lie in memory: direct, native order, read-only, from position 0. */
  ByteBuffer buffer();

  /**
   * The targets of the samples from (inclusive) up to (exclusive), without a copy.
   *
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  Targets slice(int from, int to);
}
