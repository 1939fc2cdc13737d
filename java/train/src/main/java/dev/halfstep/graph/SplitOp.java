package dev.halfstep.graph;

import dev.halfstep.kernel.Copy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The parts of a value along a dimension. */
public record SplitOp(Value x, int axis, List<Value> outputs) implements KernelOp {

  /**
   * Adds the operation to the graph of x.
   *
   * @param axis the dimension, negative ones counted from the end
   * @param extents of the parts along it
   * @return the parts, in order
   * @throws IllegalArgumentException if there is no such dimension, or the extents do not add up to
   *     it
   */
  static List<Value> of(Value x, int axis, long... extents) {
    Graph graph = x.graph();
    int dimension = Rows.axis(x, axis);
    if (extents.length == 0
        || Arrays.stream(extents).anyMatch(extent -> extent < 0)
        || Arrays.stream(extents).sum() != x.shape().dim(dimension)) {
      throw graph.refusal(
          "split of "
              + x.shape()
              + " over dimension "
              + dimension
              + " into "
              + Arrays.toString(extents));
    }
    List<Value> parts = new ArrayList<>();
    for (long extent : extents) {
      parts.add(graph.value("split", x.type(), Rows.with(x.shape(), dimension, extent), x));
    }
    graph.add(new SplitOp(x, dimension, List.copyOf(parts)));
    return parts;
  }

  @Override
  public String name() {
    return "split";
  }

  @Override
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public void forward(Calls calls) {
    long from = 0;
    for (Value part : outputs) {
      calls.add(Rows.out(name(), x, part, axis, from));
      from += part.shape().dim(axis);
    }
  }

  @Override
  public void backward(Backward backward) {
    Value dx = backward.create(x);
    if (!outputs.stream().allMatch(backward::has)) {
      backward.add(
          Call.of(
              "split dx of what is not used",
              List.of(),
              List.of(dx),
              0,
              (stream, at) -> Copy.fill(stream, dx.type(), at.of(dx), dx.shape().elements(), 0)));
    }
    long from = 0;
    for (Value part : outputs) {
      if (backward.has(part)) {
        backward.add(Rows.in("split dx", backward.of(part), dx, axis, from));
      }
      from += part.shape().dim(axis);
    }
    backward.give(x, dx);
  }
}
