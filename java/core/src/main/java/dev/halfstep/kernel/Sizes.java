package dev.halfstep.kernel;

import dev.halfstep.Shape;

/** Numbers of elements. */
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
    long room = extent + 2L * pad - dilation * (window - 1) - 1;
    if (room < 0) {
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
    return room / stride + 1;
  }

  static long product(String name, long rows, long columns) {
    try {
      return Math.multiplyExact(rows, columns);
    } catch (ArithmeticException overflow) {
      throw new IllegalArgumentException(
          name + " [" + rows + ", " + columns + "] have more than 2^63 elements");
    }
  }

  static long notNegative(String name, long count) {
    if (count < 0) {
      throw new IllegalArgumentException(name + " is " + count + ": it must be 0 or more");
    }
    return count;
  }

  static long positive(String name, long count) {
    if (count < 1) {
      throw new IllegalArgumentException(name + " is " + count + ": it must be 1 or more");
    }
    return count;
  }
}
