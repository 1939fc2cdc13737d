package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;

/** x with its dimensions in another order: dimension i of y is dimension {@code order[i]} of x. */
public record PermuteOp(Value x, List<Integer> order, Value y) implements KernelOp {
  private static final int MOST_DIMENSIONS = 6;

  /**
   * Adds the operation to the graph of x.
   *
   * @param order the dimensions of x, each once
   * @throws IllegalArgumentException if the order is not such a list, or x has more than 6
   *     dimensions
   */
  static Value of(Value x, Integer... order) {
    List<Integer> list = List.of(order);
    int rank = x.shape().rank();
    boolean valid = rank >= 1 && rank <= MOST_DIMENSIONS && list.size() == rank;
    for (int i = 0; i < rank; i++) {
      valid &= list.contains(i);
    }
    if (!valid) {
      throw x.graph()
          .refusal(
              "permute takes each of 1 to 6 dimensions once: it was given " + list + " for " + x);
    }
    long[] dims = new long[rank];
    for (int i = 0; i < rank; i++) {
      dims[i] = x.shape().dim(list.get(i));
    }
    Graph graph = x.graph();
    return graph.add(new PermuteOp(x, list, graph.value("permute", x.type(), Shape.of(dims), x)));
  }

  @Override
  public String name() {
    return "permute";
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
    calls.add(call(name(), x, order.stream().mapToInt(i -> i).toArray(), y));
  }

  private static Call call(String name, Value from, int[] order, Value to) {
    return Call.of(
        name,
        List.of(from),
        List.of(to),
        0,
        (stream, at) ->
            dev.halfstep.kernel.PermuteKernel.of(from.type(), from.shape(), order)
                .run(stream, at.of(from), at.of(to)));
  }

  @Override
  public void backward(Backward backward) {
    int[] inverse = new int[order.size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[order.get(i)] = i;
    }
    Value dx = backward.create(x);
    backward.add(call("permute dx", backward.of(y), inverse, dx));
    backward.give(x, dx);
  }
}
