package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;

/**
 * What a model predicts for samples: class {@link Labels} or {@link Values}, {@code [samples,
 * sampleShape...]}, in one direct buffer.
 */
public sealed interface Targets permits Labels, Values {
  /** The number of samples. */
  int size();

  /** {@code I32} for labels, {@code F32} for values. */
  DType type();

  /** The shape of one sample's targets; {@code []} for one label per sample. */
  Shape sampleShape();

  /** A read-only view of the targets in memory: direct, native order, from position 0. */
  ByteBuffer buffer();

  /**
   * The targets of the samples in [from, to), without a copy.
   *
   * @throws IllegalArgumentException unless {@code 0 <= from < to <= size}
   */
  Targets slice(int from, int to);
}
