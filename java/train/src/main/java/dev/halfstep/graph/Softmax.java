package dev.halfstep.graph;

import java.util.List;

/**
 * y = softmax(scale * x) over the last dimension of x {@code [..., queries, keys]}.
 *
 * @param causal whether query i sees only the keys up to i + keys - queries: those of the past
 */
public record Softmax(Value x, float scale, boolean causal, Value y) implements Operation {

  /**
   * Adds the operation to the graph of x.
   *
   * @throws IllegalArgumentException if x has no last dimension, or, causal, more queries than keys
   */
  public static Value of(Value x, float scale, boolean causal) {
    Graph graph = x.graph();
    int rank = x.shape().rank();
    if (rank < 1
        || x.shape().dim(-1) < 1
        || (causal && (rank < 2 || x.shape().dim(-2) > x.shape().dim(-1)))) {
      throw graph.refusal(
          "softmax takes x [..., queries, keys], causal with no more queries than keys: it was"
              + " given "
              + x.shape());
    }
    return graph.add(new Softmax(x, scale, causal, graph.like("softmax", x)));
  }

  @Override
  public String name() {
    return "softmax";
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.Softmax.Builder kernel() {
    long columns = x.shape().dim(-1);
    dev.halfstep.kernel.Softmax.Builder kernel =
        dev.halfstep.kernel.Softmax.builder(x.shape().elements() / columns, columns)
            .type(x.type())
            .scale(scale);
    return causal ? kernel.causal(x.shape().dim(-2)) : kernel;
  }

  @Override
  public void forward(Calls calls) {
    calls.add(
        Call.of(
                name(),
                List.of(x),
                List.of(y),
                5 * x.shape().elements(),
                (stream, at) -> kernel().build().run(stream, at.of(x), at.of(y)))
            .allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    Value dx = backward.create(x);
    backward.add(
        Call.of(
                "softmax dx",
                List.of(dy, y),
                List.of(dx),
                5 * x.shape().elements(),
                (stream, at) -> kernel().build().gradient(stream, at.of(dy), at.of(y), at.of(dx)))
            .allowInPlace());
    backward.give(x, dx);
  }
}
