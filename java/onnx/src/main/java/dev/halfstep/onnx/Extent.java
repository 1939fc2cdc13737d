package dev.halfstep.onnx;

import java.util.List;

/**
 * The extent of a dimension for any batch size: {@code perSample * batch + fixed}.
 *
 * @param perSample 0 where the dimension does not depend on the batch
 * @param fixed 0 for the batch itself and its multiples
 */
record Extent(long perSample, long fixed) {
  boolean isFixed() {
    return perSample == 0;
  }

  /** Whether it is the batch size itself. */
  boolean isBatch() {
    return perSample == 1 && fixed == 0;
  }

  static boolean areFixed(List<Extent> extents) {
    return extents.stream().allMatch(Extent::isFixed);
  }
}
