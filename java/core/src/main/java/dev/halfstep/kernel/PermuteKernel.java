package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;

/**
 * Copies a tensor with its dimensions in another order, for instance transposed. Immutable and safe
 * to use from many threads.
 */
public final class PermuteKernel extends PermuteKernelForms {
  private PermuteKernel(DType type, Shape shape, int[] permutation) {
    super(type, shape.elements(), shape.toArray(), permutation.clone());
    if (permutation.length != extents.length || extents.length < 1 || extents.length > 6) {
      throw new IllegalArgumentException(
          permutation.length
              + " dimensions cannot permute "
              + shape
              + ": it must have as many, from 1 to 6");
    }
    boolean[] seen = new boolean[extents.length];
    for (int dimension : permutation) {
      if (dimension < 0 || dimension >= seen.length || seen[dimension]) {
        throw new IllegalArgumentException(
            "dimension " + dimension + " is outside [0, " + seen.length + ") or there twice");
      }
      seen[dimension] = true;
    }
  }

  /**
   * For x of this shape and any type: dimension i of y is dimension {@code permutation[i]} of x.
   */
  public static PermuteKernel of(DType type, Shape shape, int... permutation) {
    return new PermuteKernel(type, shape, permutation);
  }

  @Override
  public String toString() {
    return "permutation " + type + " [" + count + "]";
  }
}
