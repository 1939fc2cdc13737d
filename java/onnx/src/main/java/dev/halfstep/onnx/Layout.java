package dev.halfstep.onnx;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The place of the channels among the dimensions of an image or of convolution weights. Halfstep
 * has them last, ONNX's convolutions, pools and batch normalisation first, after the batch. Values
 * of fewer than three dimensions are the same in both.
 */
enum Layout {
  /** {@code [batch, ..., channels]}. */
  LAST,
  /** {@code [batch, channels, ...]}. */
  FIRST;

  /** The order by which a transposition brings a value from the other layout to this one. */
  List<Long> order(int rank) {
    List<Long> order = new ArrayList<>(IntStream.range(0, rank).mapToObj(Long::valueOf).toList());
    if (this == FIRST) {
      order.add(1, order.remove(rank - 1));
    } else {
      order.add(order.remove(1));
    }
    return order;
  }

  /** The place of a dimension of Halfstep's layout in this one. */
  int axis(int axis, int rank) {
    return this == LAST || axis == 0 ? axis : axis == rank - 1 ? 1 : axis + 1;
  }

  /** Dimensions of Halfstep's layout in the order of this one. */
  <T> List<T> arrange(List<T> dimensions) {
    int rank = dimensions.size();
    return this == LAST || rank < 3
        ? dimensions
        : order(rank).stream().map(i -> dimensions.get(i.intValue())).toList();
  }
}
