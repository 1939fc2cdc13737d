package dev.halfstep.kernel;

/** Numbers of elements. */
final class Sizes {
  private Sizes() {}

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
