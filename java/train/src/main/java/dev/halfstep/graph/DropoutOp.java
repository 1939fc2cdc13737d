package dev.halfstep.graph;

import java.util.List;

/**
 * y = x / (1 - rate) where an element is kept, else 0 (Srivastava et al., 2014). The graph's
 * dropout key, the number of this dropout in the graph and the count of micro-batches decide which
 * elements are kept, so the backward pass makes the same call on dy and stores no mask.
 *
 * @param state {@code hs_step_state}, whose count of micro-batches selects the random numbers
 * @param key of the random numbers
 * @param number tells the dropouts of a graph apart
 */
public record DropoutOp(Value x, float rate, Value state, long key, int number, Value y)
    implements KernelOp {

  /**
   * Adds the operation to the graph of x; outside training, and at rate 0, returns x itself.
   *
   * @param rate the share of the elements that is dropped, in [0, 1)
   * @throws IllegalArgumentException if the rate is not in [0, 1)
   * @throws IllegalStateException if the graph is for training, but not part of a step
   */
  static Value of(Value x, double rate) {
    Graph graph = x.graph();
    if (!(rate >= 0 && rate < 1)) {
      throw graph.refusal("a dropout rate is in [0, 1), not " + rate);
    }
    if (!graph.training() || rate == 0) {
      return x;
    }
    Value state = graph.state();
    if (state == null) {
      throw new IllegalStateException("dropout needs a step that counts: call Graph.step before");
    }
    return graph.add(
        new DropoutOp(
            x,
            (float) rate,
            state,
            graph.dropoutKey(),
            graph.nextDropout(),
            graph.like("dropout", x)));
  }

  @Override
  public String name() {
    return "dropout";
  }

  @Override
  public List<Value> inputs() {
    return List.of(x, state);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    calls.add(call(name(), x, y));
  }

  private Call call(String name, Value from, Value to) {
    long count = to.shape().elements();
    return Call.of(
            name,
            List.of(from),
            List.of(to),
            count,
            (stream, at) ->
                dev.halfstep.kernel.DropoutKernel.of(to.type(), count, rate, key, number)
                    .run(stream, at.of(state), at.of(from), at.of(to)))
        .allowInPlace();
  }

  @Override
  public void backward(Backward backward) {
    Value dx = backward.create(x);
    backward.add(call("dropout dx", backward.of(y), dx));
    backward.give(x, dx);
  }
}
