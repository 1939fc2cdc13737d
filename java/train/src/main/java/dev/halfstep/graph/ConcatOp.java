package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;

/** The parts joined along a dimension. */
public record ConcatOp(List<Value> parts, int axis, Value y) implements KernelOp {

  /**
   * Adds the operation to the graph of the parts.
   *
   * @param axis the dimension, negative ones counted from the end
   * @throws IllegalArgumentException if there is no part, no such dimension, or the parts differ in
   *     type or in another dimension
   */
  static Value of(List<Value> parts, int axis) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("there is nothing to concatenate");
    }
    Value first = parts.get(0);
    Graph graph = first.graph();
    int dimension = Rows.axis(first, axis);
    long extent = 0;
    for (Value part : parts) {
      if (part.type() != first.type()
          || part.shape().rank() != first.shape().rank()
          || !Rows.with(part.shape(), dimension, 0)
              .equals(Rows.with(first.shape(), dimension, 0))) {
        throw graph.refusal("concatenation over dimension " + dimension + " of " + parts);
      }
      extent += part.shape().dim(dimension);
    }
    Shape shape = Rows.with(first.shape(), dimension, extent);
    Value y = graph.value("concat", first.type(), shape, parts.toArray(Value[]::new));
    return graph.add(new ConcatOp(List.copyOf(parts), dimension, y));
  }

  @Override
  public String name() {
    return "concat";
  }

  @Override
  public List<Value> inputs() {
    return parts;
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    long from = 0;
    for (Value part : parts) {
      calls.add(Rows.in(name(), part, y, axis, from));
      from += part.shape().dim(axis);
    }
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    long from = 0;
    for (Value part : parts) {
      if (part.differentiable()) {
        Value gradient = backward.create(part);
        backward.add(Rows.out("concat dx", dy, gradient, axis, from));
        backward.give(part, gradient);
      }
      from += part.shape().dim(axis);
    }
  }
}
