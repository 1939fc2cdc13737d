package dev.halfstep;

import java.util.Arrays;

/**
 * The extents of a tensor, outermost first; the last dimension is contiguous. Activations are
 * {@code [batch, features]} or {@code [batch, height, width, channels]}. Immutable. A shape without
 * dimensions is a scalar of one element.
 */
public final class Shape {
  /**
   * The most elements that a shape can have: 2^58, where a dimension of 0 counts as 1. With this
   * limit a {@code long} holds twice the number of bytes of any tensor and of any part of its
   * dimensions.
   */
  public static final long MAX_ELEMENTS = 1L << 58;

  private final long[] dims;
  private final long elements;

  private Shape(long[] dims) {
    long product = 1;
    boolean empty = false;
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "a dimension cannot be negative: " + Arrays.toString(dims));
      }
      empty |= dim == 0;
      if (dim > 0 && product > MAX_ELEMENTS / dim) {
        throw new IllegalArgumentException(
            "a shape cannot have more than 2^58 elements, a dimension of 0 counted as 1: "
                + Arrays.toString(dims));
      }
      product *= Math.max(dim, 1);
    }
    this.dims = dims;
    this.elements = empty ? 0 : product;
  }

  /**
   * A shape with these extents.
   *
   * @throws IllegalArgumentException if one is negative or their product passes {@link
   *     #MAX_ELEMENTS}
   */
  public static Shape of(long... dims) {
    return new Shape(dims.clone());
  }

  /** The number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /**
   * The extent of a dimension; negative ones count from the last, -1.
   *
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public long dim(int dimension) {
    int index = dimension < 0 ? dimension + dims.length : dimension;
    if (index < 0 || index >= dims.length) {
      throw new IndexOutOfBoundsException("no dimension " + dimension + " in " + this);
    }
    return dims[index];
  }

  /** The product of all extents. */
  public long elements() {
    return elements;
  }

  /** This shape with one more dimension in front, as a batch of samples has it. */
  public Shape prepend(long dim) {
    long[] result = new long[dims.length + 1];
    result[0] = dim;
    System.arraycopy(dims, 0, result, 1, dims.length);
    return new Shape(result);
  }

  /** This shape without its first dimension: the shape of one sample of a batch. */
  public Shape dropFirst() {
    if (dims.length == 0) {
      throw new IllegalStateException("a scalar has no first dimension");
    }
    return new Shape(Arrays.copyOfRange(dims, 1, dims.length));
  }

  /** A copy of the extents. */
  public long[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
