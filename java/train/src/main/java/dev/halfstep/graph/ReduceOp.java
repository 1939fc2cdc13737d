package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sum, mean or maximum of x over neighbouring dimensions, which are removed from the shape.
 *
 * @param axis the first of the dimensions
 * @param axes the number of these dimensions
 * @param index {@code I32}, shaped as y: the position of each maximum, for the gradient; null
 *     otherwise
 */
public record ReduceOp(Kind kind, Value x, int axis, int axes, Value y, @Nullable Value index)
    implements KernelOp {
  /** Which function. */
  public enum Kind {
    /** The sum. */
    SUM("sum"),
    /** The mean. */
    MEAN("mean"),
    /** The maximum, whose gradient goes to the first element that has it. */
    MAX("max");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /**
   * Adds the operation to the graph of x.
   *
   * @param axes dimensions of x in any order, negative ones counted from the end
   * @throws IllegalArgumentException if x lacks one of them, one is given twice, or one has extent
   *     0
   */
  static Value of(Kind kind, Value x, int... axes) {
    int rank = x.shape().rank();
    boolean[] reduced = new boolean[rank];
    for (int given : axes) {
      int axis = given < 0 ? given + rank : given;
      if (axis < 0 || axis >= rank || reduced[axis] || x.shape().dim(axis) < 1) {
        throw x.graph()
            .refusal(kind.word + " of " + x.shape() + " over dimensions " + Arrays.toString(axes));
      }
      reduced[axis] = true;
    }
    Value value = x;
    for (int end = rank; end > 0; end--) {
      int first = end;
      while (first > 0 && reduced[first - 1]) {
        first--;
      }
      if (first < end) {
        value = run(kind, value, first, end - first);
        end = first;
      }
    }
    return value;
  }

  /** Reduces neighbouring dimensions; the dimensions after them are all kept or already reduced. */
  private static Value run(Kind kind, Value x, int axis, int axes) {
    Graph graph = x.graph();
    long[] dims = x.shape().toArray();
    long[] rest = new long[dims.length - axes];
    System.arraycopy(dims, 0, rest, 0, axis);
    System.arraycopy(dims, axis + axes, rest, axis, rest.length - axis);
    Shape shape = Shape.of(rest);
    Value y = graph.value(kind.word, x.type(), shape, x);
    boolean indexed = kind == Kind.MAX && graph.training();
    Value index = indexed ? graph.value("max index", DType.I32, shape) : null;
    return graph.add(new ReduceOp(kind, x, axis, axes, y, index));
  }

  @Override
  public String name() {
    return kind.word;
  }

  @Override
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.ReduceKernel.Builder kernel() {
    long outer = 1;
    long extent = 1;
    for (int i = 0; i < axis; i++) {
      outer *= x.shape().dim(i);
    }
    for (int i = axis; i < axis + axes; i++) {
      extent *= x.shape().dim(i);
    }
    long inner = y.shape().elements() / Math.max(outer, 1);
    dev.halfstep.kernel.ReduceKernel.Builder kernel =
        switch (kind) {
          case SUM -> dev.halfstep.kernel.ReduceKernel.sum(outer, extent, inner);
          case MEAN -> dev.halfstep.kernel.ReduceKernel.mean(outer, extent, inner);
          case MAX -> dev.halfstep.kernel.ReduceKernel.max(outer, extent, inner);
        };
    return kernel.types(x.type(), y.type());
  }

  @Override
  public void forward(Calls calls) {
    calls.add(
        Call.of(
            name(),
            List.of(x),
            index == null ? List.of(y) : List.of(y, index),
            x.shape().elements(),
            (stream, at) -> kernel().build().run(stream, at.of(x), at.of(y), at.of(index))));
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    Value dx = backward.create(x);
    backward.add(
        Call.of(
            kind.word + " dx",
            index == null ? List.of(dy) : List.of(dy, index),
            List.of(dx),
            x.shape().elements(),
            (stream, at) -> kernel().build().gradient(stream, at.of(dy), at.of(index), at.of(dx))));
    backward.give(x, dx);
  }
}
