package dev.halfstep.kernel;

import dev.halfstep.Shape;

/** Checks and computes the sizes of operands. */
final class Sizes {
  private Sizes() {}

  /** The shape, if it is that of images: {@code [n, height, width, channels]}, only n may be 0. */
  static Shape images(String name, Shape shape) {
    if (shape.rank() != 4 || shape.dim(1) < 1 || shape.dim(2) < 1 || shape.dim(3) < 1) {
      throw new IllegalArgumentException(
          name + " is " + shape + ", but images are [n, height, width, channels], only n may be 0");
    }
    return shape;
  }

  /** The places of a window along one dimension of images. */
  static long places(long extent, long window, int stride, int pad, int dilation) {
    if (stride < 1 || pad < 0 || dilation < 1) {
      throw new IllegalArgumentException(
          "stride "
              + stride
              + " and dilation "
              + dilation
              + " must be 1 or more, padding "
              + pad
              + " 0 or more");
    }
    long room = extent + 2L * pad - 1;
    if (window - 1 > room / dilation) {
      throw new IllegalArgumentException(
          "a window of "
              + window
              + ", dilated by "
              + dilation
              + ", does not fit into "
              + extent
              + " padded by "
              + pad);
    }
    return (room - dilation * (window - 1)) / stride + 1;
  }

  /** The elements of an operand with these extents, which a {@link Shape} can have. */
  static long product(String name, long... extents) {
    try {
      return Shape.of(extents).elements();
    } catch (IllegalArgumentException impossible) {
      throw new IllegalArgumentException(name + ": " + impossible.getMessage(), impossible);
    }
  }

  static long notNegative(String name, long count) {
    if (count < 0 || count > Shape.MAX_ELEMENTS) {
      throw new IllegalArgumentException(name + " is " + count + ": it must be 0 ... 2^58");
    }
    return count;
  }

  static long positive(String name, long count) {
    if (count < 1 || count > Shape.MAX_ELEMENTS) {
      throw new IllegalArgumentException(name + " is " + count + ": it must be 1 ... 2^58");
    }
    return count;
  }
}
