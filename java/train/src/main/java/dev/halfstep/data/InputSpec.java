package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;

/**
 * One of the arrays that a model reads of each sample.
 *
 * @param name the name of the array in the sample
 * @param type {@code U8} (raw pixels), {@code F32} or {@code I32} (tokens)
 * @param shape the shape for one sample; images are {@code [height, width, channels]}
 * @param normalization the normalisation that kernels apply while they gather a batch
 */
public record InputSpec(String name, DType type, Shape shape, Normalization normalization) {
  /** The default name of the only input. */
  public static final String DEFAULT_NAME = "features";

  /**
   * Checks that the parts belong together.
   *
   * @throws IllegalArgumentException if the type is another, the shape has no elements, or the
   *     normalization fits neither the last dimension nor the type
   */
  public InputSpec {
    if (type != DType.U8 && type != DType.F32 && type != DType.I32) {
      throw new IllegalArgumentException("features are U8, F32 or I32, not " + type);
    }
    if (shape.elements() == 0) {
      throw new IllegalArgumentException(name + " of shape " + shape + " have no elements");
    }
    if (type == DType.I32 && !normalization.equals(Normalization.NONE)) {
      throw new IllegalArgumentException("tokens (I32 features) cannot be normalized");
    }
    int channels = normalization.channels();
    if (channels != 1 && (shape.rank() == 0 || channels != shape.dim(-1))) {
      throw new IllegalArgumentException(
          "a normalization of "
              + channels
              + " channels does not fit samples of "
              + shape
              + ": give one, or as many as the last dimension");
    }
  }

  /** An array with a name, without a normalisation. */
  public static InputSpec of(String name, DType type, Shape shape) {
    return new InputSpec(name, type, shape, Normalization.NONE);
  }

  /** The only array, without a normalisation. */
  public static InputSpec of(DType type, Shape shape) {
    return of(DEFAULT_NAME, type, shape);
  }

  /**
   * The same with another normalisation.
   *
   * @throws IllegalArgumentException if it does not fit
   */
  public InputSpec withNormalization(Normalization normalization) {
    return new InputSpec(name, type, shape, normalization);
  }

  /** Its bytes in one sample. */
  public long sampleBytes() {
    return shape.elements() * type.bytes();
  }

  /** Whether kernels normalise it. */
  public boolean isNormalized() {
    return !normalization.equals(Normalization.NONE);
  }

  /** Type and shape, such as {@code F32 [28, 28, 1]}. */
  @Override
  public String toString() {
    return (name.equals(DEFAULT_NAME) ? "" : name + " ") + type + " " + shape;
  }
}
