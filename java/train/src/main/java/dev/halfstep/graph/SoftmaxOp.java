package dev.halfstep.graph;

import dev.halfstep.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * y = softmax(scale * x) over the last dimension of x {@code [..., queries, keys]}.
 *
 * @param causal whether query i sees only the keys up to i + keys - queries, which are not in its
 *     future
 * @param padding the keys of x {@code [batch, ..., queries, keys]} whose result is 0; null for none
 */
public record SoftmaxOp(Value x, float scale, boolean causal, @Nullable Padding padding, Value y)
    implements KernelOp {

  /**
   * Adds the operation to the graph of x.
   *
   * @throws IllegalArgumentException if x has no dimension, has more queries than keys although it
   *     is causal, or the padding has another number of tokens than x has keys
   */
  static Value of(Value x, float scale, boolean causal, @Nullable Padding padding) {
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
    if (padding != null
        && (rank < 2
            || !padding.tokens().shape().equals(Shape.of(x.shape().dim(0), x.shape().dim(-1))))) {
      throw graph.refusal(
          "softmax takes tokens [batch, keys] of x [batch, ..., keys]: it was given "
              + padding.tokens()
              + " and "
              + x.shape());
    }
    return graph.add(new SoftmaxOp(x, scale, causal, padding, graph.like("softmax", x)));
  }

  @Override
  public String name() {
    return "softmax";
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(x, padding == null ? null : padding.tokens());
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.SoftmaxKernel.Builder kernel() {
    long columns = x.shape().dim(-1);
    dev.halfstep.kernel.SoftmaxKernel.Builder kernel =
        dev.halfstep.kernel.SoftmaxKernel.builder(x.shape().elements() / columns, columns)
            .type(x.type())
            .scale(scale);
    kernel = causal ? kernel.causal(x.shape().dim(-2)) : kernel;
    return padding == null ? kernel : kernel.padding(x.shape().dim(0), padding.token());
  }

  @Override
  public void forward(Calls calls) {
    Value tokens = padding == null ? null : padding.tokens();
    calls.add(
        Call.of(
                name(),
                tokens == null ? List.of(x) : List.of(x, tokens),
                List.of(y),
                5 * x.shape().elements(),
                (stream, at) -> kernel().build().run(stream, at.of(x), at.of(y), at.of(tokens)))
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
