package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.kernel.PointwiseLossKernel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The end of a graph: the loss of each element of a prediction {@code [batch, ...]} against its
 * target {@code F32 [batch, ...]}, the squared error or the binary cross-entropy of logits; or
 * losses that the graph has computed. One pass adds the loss, the weight (1 per element) and the
 * number of correct elements to the step's state and, in training, computes the gradient.
 *
 * @param state {@code hs_step_state}
 * @param seed factor of the gradient, beside the loss scale: 1 / elements of the step
 * @param gradient of the prediction, null outside training
 */
public record PointwiseLossOp(
    Kind kind,
    Value prediction,
    @Nullable Value target,
    Value state,
    float seed,
    @Nullable Value gradient)
    implements KernelOp {
  /** Which loss. */
  public enum Kind {
    /** (prediction - target)^2. */
    SQUARED_ERROR,
    /** Of a logit x and a target t in [0, 1]: -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)). */
    BINARY_CROSS_ENTROPY,
    /**
     * The prediction itself, which is a loss that other operations computed; there is no target.
     */
    GIVEN
  }

  /**
   * Adds the operation to the graph of the prediction.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  static void of(Kind kind, Value prediction, Value target, Value state, float seed) {
    Graph graph = prediction.graph();
    if (prediction.shape().rank() < 1
        || target.type() != DType.F32
        || target.shape().rank() < 1
        || target.shape().dim(0) != prediction.shape().dim(0)
        || target.shape().elements() != prediction.shape().elements()) {
      throw graph.refusal(
          "the loss takes one F32 target for each output: it was given predictions "
              + prediction.shape()
              + " and targets "
              + target.type()
              + target.shape());
    }
    add(kind, prediction, target, state, seed);
  }

  /**
   * Adds the end of a graph that computed its losses itself.
   *
   * @throws IllegalArgumentException if they have no batch, or do not depend on a parameter
   */
  static void given(Value losses, Value state, float seed) {
    Graph graph = losses.graph();
    if (losses.shape().rank() < 1) {
      throw graph.refusal(
          "a loss is [batch] or [batch, ...], one or more numbers a sample, not a single one");
    }
    if (graph.training() && !losses.differentiable()) {
      throw graph.refusal(
          "the loss does not depend on what the model says: nothing can be trained");
    }
    add(Kind.GIVEN, losses, null, state, seed);
  }

  private static void add(
      Kind kind, Value prediction, @Nullable Value target, Value state, float seed) {
    Graph graph = prediction.graph();
    Value gradient =
        graph.training() && prediction.differentiable()
            ? graph.value("d " + prediction.name(), prediction.type(), prediction.shape())
            : null;
    graph.addRoot(new PointwiseLossOp(kind, prediction, target, state, seed, gradient));
  }

  @Override
  public String name() {
    return switch (kind) {
      case SQUARED_ERROR -> "squared_error";
      case BINARY_CROSS_ENTROPY -> "binary_cross_entropy";
      case GIVEN -> "mean_loss";
    };
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(prediction, target, state);
  }

  @Override
  public List<Value> outputs() {
    return List.of();
  }

  private PointwiseLossKernel kernel() {
    long rows = prediction.shape().dim(0);
    long columns = prediction.shape().elements() / Math.max(rows, 1);
    return switch (kind) {
      case SQUARED_ERROR ->
          PointwiseLossKernel.squaredError(prediction.type(), rows, columns, seed);
      case BINARY_CROSS_ENTROPY ->
          PointwiseLossKernel.binaryCrossEntropy(prediction.type(), rows, columns, seed);
      case GIVEN -> PointwiseLossKernel.given(prediction.type(), rows, columns, seed);
    };
  }

  @Override
  public void forward(Calls calls) {
    Call call =
        Call.of(
            name(),
            Inputs.of(prediction, target),
            gradient == null ? List.of() : List.of(gradient),
            (kind == Kind.BINARY_CROSS_ENTROPY ? 8 : 4) * prediction.shape().elements(),
            (stream, at) ->
                kernel()
                    .run(stream, at.of(prediction), at.of(target), at.of(state), at.of(gradient)));
    calls.add(gradient == null ? call : call.allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    if (gradient != null) {
      backward.give(prediction, gradient);
    }
  }
}
