package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * y {@code [..., width]} = the rows of a table {@code [vocabulary, width]} that tokens {@code I32
 * [...]} name. The gradient of a table row is the sum of dy over the positions of its token, in
 * ascending order; the kernel sorts the positions by token in a workspace in the arena.
 */
public record EmbeddingOp(Value table, Value tokens, Value y) implements KernelOp {

  /**
   * Adds the operation to the graph of the tokens. A token outside the table gives zeros, and an
   * error in the step's state if the graph has one.
   *
   * @throws IllegalArgumentException if the table is not a matrix or the tokens are not I32
   */
  static Value of(Value table, Value tokens) {
    Graph graph = tokens.graph();
    if (table.shape().rank() != 2 || tokens.type() != DType.I32) {
      throw graph.refusal(
          "embedding takes a table [vocabulary, width] and I32 tokens: it was given "
              + table
              + " and "
              + tokens);
    }
    int rank = tokens.shape().rank();
    long[] dims = Arrays.copyOf(tokens.shape().toArray(), rank + 1);
    dims[rank] = table.shape().dim(1);
    Value y = graph.value("embedding", table.type(), Shape.of(dims), table);
    return graph.add(new EmbeddingOp(table, tokens, y));
  }

  /**
   * The number of rows of the smallest table that an embedding of the graph reads with these
   * tokens; 0 if none does. Tokens that another operation has changed before are not found.
   */
  public static long vocabulary(Graph graph, Value tokens) {
    return graph.operations().stream()
        .map(Graph.Node::operation)
        .filter(EmbeddingOp.class::isInstance)
        .map(EmbeddingOp.class::cast)
        .filter(embedding -> embedding.tokens.root() == tokens.root())
        .mapToLong(embedding -> embedding.table.shape().dim(0))
        .min()
        .orElse(0);
  }

  @Override
  public String name() {
    return "embedding";
  }

  @Override
  public List<Value> inputs() {
    return List.of(table, tokens);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  private dev.halfstep.kernel.EmbeddingKernel kernel() {
    return dev.halfstep.kernel.EmbeddingKernel.of(
        table.type(), table.shape().dim(0), table.shape().dim(1), tokens.shape().elements());
  }

  @Override
  public void forward(Calls calls) {
    Value state = y.graph().state();
    calls.add(
        Call.of(
                name(),
                List.of(table, tokens),
                List.of(y),
                0,
                (stream, at) ->
                    kernel().run(stream, at.of(table), at.of(tokens), at.of(state), at.of(y)))
            .withBytes(2 * y.bytes() + tokens.bytes()));
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    Shape places = Shape.of(table.shape().dim(0) + 1 + tokens.shape().elements());
    Value workspace = y.graph().value("embedding places", DType.I32, places);
    Backward.Target target = backward.intoTyped(table, DType.F32);
    Value gradient = target.value();
    List<Value> reads = new ArrayList<>(List.of(dy, tokens));
    if (target.beta() != 0) {
      reads.add(gradient);
    }
    backward.add(
        Call.of(
            "embedding dtable",
            reads,
            List.of(gradient, workspace),
            dy.shape().elements(),
            (stream, at) ->
                kernel()
                    .gradient(
                        stream,
                        at.of(dy),
                        at.of(tokens),
                        target.beta(),
                        at.of(gradient),
                        at.of(workspace))));
    backward.finish(table, target);
  }
}
