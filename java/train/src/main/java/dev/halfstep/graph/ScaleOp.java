package dev.halfstep.graph;

import dev.halfstep.kernel.ScaleAddKernel;
import java.util.List;

/** y = factor * x. */
public record ScaleOp(Value x, float factor, Value y) implements KernelOp {

  /** Adds the operation to the graph of x. */
  static Value of(Value x, float factor) {
    return x.graph().add(new ScaleOp(x, factor, x.graph().like("scale", x)));
  }

  @Override
  public String name() {
    return "scale";
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
    calls.add(call(name(), x, factor, y));
  }

  /** The call that computes to = factor * from. */
  static Call call(String name, Value from, float factor, Value to) {
    long count = to.shape().elements();
    return Call.of(
            name,
            List.of(from),
            List.of(to),
            count,
            (stream, at) ->
                ScaleAddKernel.of(to.type(), count, factor, 0).run(stream, at.of(from), at.of(to)))
        .allowInPlace();
  }

  @Override
  public void backward(Backward backward) {
    Value dx = backward.create(x);
    backward.add(call("scale dx", backward.of(y), factor, dx));
    backward.give(x, dx);
  }
}
