package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;

/** The same elements under another shape. It costs nothing: y uses the memory of x. */
public record ReshapeOp(Value x, Value y) implements KernelOp {

  /**
   * Adds the operation to the graph of x.
   *
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  static Value of(Value x, Shape shape) {
    if (shape.elements() != x.shape().elements()) {
      throw x.graph()
          .refusal("reshape of " + x.shape() + " to " + shape + ": the numbers of elements differ");
    }
    return x.graph().add(new ReshapeOp(x, x.graph().alias(x, shape)));
  }

  @Override
  public String name() {
    return "reshape";
  }

  @Override
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    // Nothing to compute.
  }

  @Override
  public void backward(Backward backward) {
    if (x.differentiable()) {
      backward.give(x, x.graph().alias(backward.of(y), x.shape()));
    }
  }
}
