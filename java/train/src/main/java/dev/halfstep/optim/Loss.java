package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.PointwiseLossOp;
import dev.halfstep.graph.Value;
import java.util.Map;
import java.util.Set;

/**
 * What training minimises. A user-defined loss is a function over values; its gradient is derived:
 *
 * <pre>{@code
 * Loss huber =
 *     Loss.of(
 *         "Huber",
 *         (output, target) -> {
 *           Value distance = Ops.abs(Ops.subtract(output, target));
 *           Value near = Ops.minimum(distance, Ops.constant(output.graph(), 1));
 *           return Ops.multiply(near, Ops.subtract(distance, Ops.scale(near, 0.5f)));
 *         });
 * }</pre>
 */
public interface Loss {
  /** Computes the losses of samples. */
  @FunctionalInterface
  interface Function {
    /**
     * Adds operations to the graph of the output.
     *
     * @param output the model's output, {@code F32 [batch, ...]}
     * @param target the target: {@code F32}, shaped as the output, or labels {@code I32 [...]}
     * @return {@code F32 [batch]} or {@code [batch, ...]}: one loss or more per sample; training
     *     minimises the mean of all
     */
    Value apply(Value output, Value target);
  }

  /** Computes the losses of samples from several outputs or targets. */
  @FunctionalInterface
  interface NamedFunction {
    /**
     * Adds operations to the graph of the outputs. Both maps throw an {@link
     * IllegalArgumentException} for an unknown name; its message lists the known ones.
     *
     * @param outputs the model's outputs by name, {@code F32 [batch, ...]}
     * @param targets the data's targets by name: values {@code F32 [batch, ...]} or labels {@code
     *     I32 [batch, ...]}
     * @return {@code F32 [batch]} or {@code [batch, ...]}: one loss or more per sample; training
     *     minimises the mean of all
     */
    Value apply(Map<String, Value> outputs, Map<String, Value> targets);
  }

  /** A user-defined loss of outputs against as many values, called {@code name} in messages. */
  static Loss of(String name, Function losses) {
    return FunctionLoss.ofOne(name, DType.F32, losses);
  }

  /**
   * A user-defined loss of logits {@code [batch, ..., classes]} against class labels. Many begin
   * with {@link dev.halfstep.graph.Ops#crossEntropyRows}.
   */
  static Loss ofLabels(String name, Function losses) {
    return FunctionLoss.ofOne(name, DType.I32, losses);
  }

  /**
   * A user-defined loss over several outputs or targets. The function weighs the parts and adds
   * them; in this example a value and a class, the class with weight 0.5.
   *
   * <pre>{@code
   * Loss both =
   *     Loss.ofNamed(
   *         "price and kind",
   *         (outputs, targets) -> {
   *           Value error = Ops.subtract(outputs.get("price"), targets.get("price")); // [batch, 1]
   *           Value price = Ops.mean(Ops.multiply(error, error), 1); // [batch]
   *           Value kind = Ops.crossEntropyRows(outputs.get("kind"), targets.get("kind"));
   *           return Ops.add(price, Ops.scale(kind, 0.5f));
   *         });
   * }</pre>
   *
   * <p>Steps and evaluations report the total only; {@link dev.halfstep.metric.Metric#ofNamed}
   * measures a part.
   */
  static Loss ofNamed(String name, NamedFunction losses) {
    return new FunctionLoss(name, null, losses);
  }

  /** Softmax cross-entropy of logits and class labels. */
  static CrossEntropy crossEntropy() {
    return new CrossEntropy(0, CrossEntropy.NONE_IGNORED, new float[0]);
  }

  /** The mean of (output - value)^2 over all outputs, for regression. */
  static ElementwiseLoss meanSquaredError() {
    return new ElementwiseLoss(PointwiseLossOp.Kind.SQUARED_ERROR);
  }

  /**
   * The mean binary cross-entropy of all outputs, which are logits, and values in [0, 1]: for
   * classes that do not exclude each other.
   */
  static ElementwiseLoss binaryCrossEntropy() {
    return new ElementwiseLoss(PointwiseLossOp.Kind.BINARY_CROSS_ENTROPY);
  }

  /**
   * Whether it takes outputs and targets by name, several of each; otherwise it takes the only
   * output and the only target.
   */
  default boolean takesNames() {
    return false;
  }

  /**
   * The type of the targets: I32 for class labels, F32 for values.
   *
   * @throws IllegalStateException if it takes them by name
   */
  DType targetType();

  /**
   * The shape of one sample's targets for a model whose output for one sample has this shape.
   *
   * @throws IllegalStateException if it takes them by name
   */
  Shape targetShape(Shape output);

  /** Weights of the classes; empty if all are 1. */
  default float[] classWeights() {
    return new float[0];
  }

  /** The label that is ignored, if the targets are labels; -1 if every label counts. */
  default int ignoreLabel() {
    return CrossEntropy.NONE_IGNORED;
  }

  /** Whether a label is in [0, classes), or ignored. */
  default boolean takes(int label, int classes) {
    boolean ignored = label == ignoreLabel() && label != CrossEntropy.NONE_IGNORED;
    return ignored || (label >= 0 && label < classes);
  }

  /**
   * Whether it counts the samples that the model predicts correctly; otherwise there is no training
   * accuracy.
   */
  default boolean countsCorrect() {
    return false;
  }

  /**
   * Adds the loss to the graph of the model's output.
   *
   * @param output the model's output, {@code [batch, ...]}
   * @param targets the targets
   * @param state the step's state, which takes the sums
   * @param seed factor of the gradient: 1 / weight units of the step
   */
  void add(Value output, Value targets, Value state, float seed);

  /**
   * Adds the loss to the graph of the model's outputs.
   *
   * @param outputs the model's outputs by name, {@code [batch, ...]}
   * @param targets the targets by name
   * @param state the step's state, which takes the sums
   * @param seed factor of the gradient: 1 / weight units of the step
   * @throws IllegalArgumentException if there are several and the loss does not take names
   */
  default void add(
      Map<String, Value> outputs, Map<String, Value> targets, Value state, float seed) {
    requireOne(outputs.keySet(), targets.keySet());
    add(outputs.values().iterator().next(), targets.values().iterator().next(), state, seed);
  }

  /**
   * Throws if there are several outputs or targets and the loss does not take names.
   *
   * @throws IllegalArgumentException whose message says what to do
   */
  default void requireOne(Set<String> outputs, Set<String> targets) {
    if (!takesNames() && (outputs.size() != 1 || targets.size() != 1)) {
      throw new IllegalArgumentException(
          this
              + " is a loss of one output and one target, but the model has outputs "
              + outputs
              + " and the data have targets "
              + targets
              + ": write one over all of them with Loss.ofNamed");
    }
  }
}
