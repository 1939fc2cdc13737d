package dev.halfstep.graph;

import dev.halfstep.Shape;
import dev.halfstep.kernel.CopyRowsKernel;
import java.util.List;

/** Copies between a value and a part of another value along one dimension. */
final class Rows {
  private Rows() {}

  /** The index of a dimension, which may be given from the end by a negative number. */
  static int axis(Value value, int axis) {
    int rank = value.shape().rank();
    int counted = axis < 0 ? axis + rank : axis;
    if (counted < 0 || counted >= rank) {
      throw value.graph().refusal("there is no dimension " + axis + " in " + value.shape());
    }
    return counted;
  }

  /** A shape with another extent in one dimension. */
  static Shape with(Shape shape, int axis, long extent) {
    long[] dims = shape.toArray();
    dims[axis] = extent;
    return Shape.of(dims);
  }

  /** The number of elements in one row, if the dimensions before the axis count the rows. */
  private static long row(Value value, int axis) {
    long row = 1;
    for (int i = axis; i < value.shape().rank(); i++) {
      row *= value.shape().dim(i);
    }
    return row;
  }

  private static long rows(Value value, int axis) {
    long rows = 1;
    for (int i = 0; i < axis; i++) {
      rows *= value.shape().dim(i);
    }
    return rows;
  }

  /** The call that copies a part into the whole, from an index of the dimension on. */
  static Call in(String name, Value part, Value whole, int axis, long from) {
    return copy(name, part, 0, whole, offset(whole, axis, from), part, axis);
  }

  /** The call that copies a part out of the whole, from an index of the dimension on. */
  static Call out(String name, Value whole, Value part, int axis, long from) {
    return copy(name, whole, offset(whole, axis, from), part, 0, part, axis);
  }

  /** Bytes from the beginning of a value to an index of a dimension. */
  private static long offset(Value whole, int axis, long from) {
    return from * row(whole, axis) / Math.max(whole.shape().dim(axis), 1) * whole.type().bytes();
  }

  private static Call copy(
      String name, Value src, long srcOffset, Value dst, long dstOffset, Value part, int axis) {
    return Call.of(
            name,
            List.of(src),
            List.of(dst),
            0,
            (stream, at) ->
                CopyRowsKernel.of(
                        part.type(),
                        rows(part, axis),
                        row(part, axis),
                        row(src, axis),
                        row(dst, axis))
                    .run(stream, at.of(src) + srcOffset, at.of(dst) + dstOffset))
        .withBytes(2 * part.bytes());
  }
}
