package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.kernel.CrossEntropyKernel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The softmax cross-entropy of logits {@code [..., classes]} and labels {@code I32 [...]}, the end
 * of a graph. One pass adds loss, weight and the number correct to the step's state, and, in
 * training, computes the gradient of the logits.
 *
 * @param classWeights {@code F32 [classes]} or null: all 1
 * @param state {@code hs_step_state}
 * @param seed factor of the gradient, beside the loss scale: 1 / samples of the step
 * @param gradient of the logits, null outside training
 */
public record CrossEntropyOp(
    Value logits,
    Value labels,
    @Nullable Value classWeights,
    Value state,
    float labelSmoothing,
    int ignoreLabel,
    float seed,
    @Nullable Value gradient)
    implements KernelOp {

  /**
   * Adds the operation to the graph of the logits.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  static void of(
      Value logits,
      Value labels,
      @Nullable Value classWeights,
      Value state,
      float labelSmoothing,
      int ignoreLabel,
      float seed) {
    Graph graph = logits.graph();
    long classes = logits.shape().rank() == 0 ? 0 : logits.shape().dim(-1);
    if (classes < 1
        || labels.type() != DType.I32
        || labels.shape().elements() * classes != logits.shape().elements()) {
      throw graph.refusal(
          "cross-entropy takes logits [..., classes] and one I32 label a row: it was given logits "
              + logits.shape()
              + " and labels "
              + labels.type()
              + labels.shape());
    }
    if (classWeights != null && classWeights.shape().elements() != classes) {
      throw graph.refusal(
          "cross-entropy of "
              + classes
              + " classes was given "
              + classWeights.shape().elements()
              + " class weights");
    }
    Value gradient =
        graph.training() && logits.differentiable()
            ? graph.value("d " + logits.name(), logits.type(), logits.shape())
            : null;
    graph.addRoot(
        new CrossEntropyOp(
            logits, labels, classWeights, state, labelSmoothing, ignoreLabel, seed, gradient));
  }

  @Override
  public String name() {
    return "cross_entropy";
  }

  @Override
  public List<Value> inputs() {
    return Inputs.of(logits, labels, classWeights, state);
  }

  @Override
  public List<Value> outputs() {
    return List.of();
  }

  @Override
  public void forward(Calls calls) {
    long classes = logits.shape().dim(-1);
    CrossEntropyKernel.Builder kernel =
        CrossEntropyKernel.builder(logits.shape().elements() / classes, classes)
            .type(logits.type())
            .labelSmoothing(labelSmoothing)
            .ignoreLabel(ignoreLabel)
            .gradientSeed(seed);
    Call call =
        Call.of(
            name(),
            classWeights == null ? List.of(logits, labels) : List.of(logits, labels, classWeights),
            gradient == null ? List.of() : List.of(gradient),
            8 * logits.shape().elements(),
            (stream, at) ->
                kernel
                    .build()
                    .run(
                        stream,
                        at.of(logits),
                        at.of(labels),
                        at.of(classWeights),
                        at.of(state),
                        at.of(gradient),
                        0));
    calls.add(gradient == null ? call : call.allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    if (gradient != null) {
      backward.give(logits, gradient);
    }
  }
}
