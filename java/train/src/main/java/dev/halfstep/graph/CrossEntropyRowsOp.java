package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.kernel.CrossEntropyKernel;
import dev.halfstep.kernel.MatmulKernel;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The softmax cross-entropy of each row of logits {@code [..., classes]} and labels {@code I32
 * [...]}, as a value for further operations: -log of the label's probability. {@link
 * CrossEntropyOp} computes the same loss as the end of a graph.
 *
 * <p>The forward kernel also computes the gradient of each row's loss with respect to its logits.
 * The backward pass multiplies row r of it by the gradient of loss r: a batched product of 1 x 1
 * and 1 x classes matrices.
 *
 * @param loss {@code F32 [...]}
 * @param slope the gradient of each row's loss with respect to its logits, {@code F32 [...,
 *     classes]}; null outside training
 */
public record CrossEntropyRowsOp(Value logits, Value labels, Value loss, @Nullable Value slope)
    implements KernelOp {
  /**
   * Adds the operation to the graph of the logits.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  static Value of(Value logits, Value labels) {
    Graph graph = logits.graph();
    long[] dims = logits.shape().toArray();
    Shape rows = Shape.of(Arrays.copyOf(dims, Math.max(dims.length - 1, 0)));
    if (dims.length == 0
        || logits.type() != DType.F32
        || labels.type() != DType.I32
        || !labels.shape().equals(rows)) {
      throw graph.refusal(
          "the cross-entropy of rows takes logits F32 [..., classes] and one I32 label a row: it"
              + " was given logits "
              + logits.type()
              + logits.shape()
              + " and labels "
              + labels.type()
              + labels.shape());
    }
    Value loss = graph.value("cross-entropy", DType.F32, rows, logits);
    boolean trained = graph.training() && logits.differentiable();
    Value slope = trained ? graph.value("slope of cross-entropy", DType.F32, logits.shape()) : null;
    return graph.add(new CrossEntropyRowsOp(logits, labels, loss, slope));
  }

  /**
   * The smallest number of classes among the graph's operations of this kind that read these
   * labels; 0 if none does. Labels that another operation has changed before are not found.
   */
  public static long classes(Graph graph, Value labels) {
    return graph.operations().stream()
        .map(Graph.Node::operation)
        .filter(CrossEntropyRowsOp.class::isInstance)
        .map(CrossEntropyRowsOp.class::cast)
        .filter(rows -> rows.labels.root() == labels.root())
        .mapToLong(rows -> rows.logits.shape().dim(-1))
        .min()
        .orElse(0);
  }

  @Override
  public String name() {
    return "cross_entropy_rows";
  }

  @Override
  public List<Value> inputs() {
    return List.of(logits, labels);
  }

  @Override
  public List<Value> outputs() {
    return List.of(loss);
  }

  private long classes() {
    return logits.shape().dim(-1);
  }

  private long rows() {
    return loss.shape().elements();
  }

  @Override
  public void forward(Calls calls) {
    CrossEntropyKernel.Builder kernel =
        CrossEntropyKernel.builder(rows(), classes()).gradientSeed(1);
    calls.add(
        Call.of(
            name(),
            inputs(),
            slope == null ? List.of(loss) : List.of(loss, slope),
            8 * logits.shape().elements(),
            (stream, at) ->
                kernel
                    .build()
                    .run(stream, at.of(logits), at.of(labels), 0, 0, at.of(slope), at.of(loss))));
  }

  @Override
  public void backward(Backward backward) {
    if (slope == null) {
      return;
    }
    Value dy = backward.of(loss);
    Backward.Target dx = backward.into(logits);
    MatmulKernel.Builder kernel =
        MatmulKernel.builder(1, classes(), 1)
            .batch(rows(), 1, classes(), classes())
            .scale(1, dx.beta());
    backward.add(
        Call.of(
            name() + " dx",
            dx.beta() == 0 ? List.of(dy, slope) : List.of(dy, slope, dx.value()),
            List.of(dx.value()),
            2 * logits.shape().elements(),
            (stream, at) ->
                kernel.build().run(stream, at.of(dy), at.of(slope), at.of(dx.value()), 0, 0, 0)));
  }
}
