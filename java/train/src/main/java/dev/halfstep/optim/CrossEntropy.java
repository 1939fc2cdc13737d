package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.StepOps;
import dev.halfstep.graph.Value;
import java.util.Arrays;

/**
 * Softmax cross-entropy, as PyTorch's {@code CrossEntropyLoss} defines it with reduction "mean":
 * the weighted mean over all rows that are not ignored. Immutable.
 */
public final class CrossEntropy implements Loss {
  /** The name of the input that holds the class weights. */
  /** The graph input that takes the weights of the classes. */
  public static final String CLASS_WEIGHTS = "class weights";

  /** Says that no label is ignored. */
  /** The value of {@link #ignoreLabel} if no label is ignored. */
  public static final int NONE_IGNORED = -1;

  private final float labelSmoothing;
  private final int ignoreLabel;
  private final float[] classWeights;

  CrossEntropy(float labelSmoothing, int ignoreLabel, float[] classWeights) {
    this.labelSmoothing = labelSmoothing;
    this.ignoreLabel = ignoreLabel;
    this.classWeights = classWeights;
  }

  /**
   * Mixes the label with the uniform distribution.
   *
   * @param smoothing the weight of the uniform distribution, in [0, 1)
   */
  public CrossEntropy labelSmoothing(double smoothing) {
    if (!(smoothing >= 0 && smoothing < 1)) {
      throw new IllegalArgumentException("label smoothing must be in [0, 1), not " + smoothing);
    }
    return new CrossEntropy((float) smoothing, ignoreLabel, classWeights);
  }

  /**
   * Leaves out rows with this label. Without this call, the loss ignores the label that the data
   * set ignores ({@link dev.halfstep.data.Labels#ignoreIndex}).
   *
   * @param label a negative number other than -1, or a number above the classes; PyTorch's default
   *     is -100
   */
  public CrossEntropy ignoreLabel(int label) {
    if (label == NONE_IGNORED) {
      throw new IllegalArgumentException("-1 means that no label is ignored: use -100");
    }
    return new CrossEntropy(labelSmoothing, label, classWeights);
  }

  /**
   * Weighs each row by the weight of its label. There is one weight per class; none is negative.
   */
  public CrossEntropy classWeights(float... weights) {
    for (float weight : weights) {
      if (!(weight >= 0) || Float.isInfinite(weight)) {
        throw new IllegalArgumentException(
            "class weights must be finite and not negative: " + Arrays.toString(weights));
      }
    }
    return new CrossEntropy(labelSmoothing, ignoreLabel, weights.clone());
  }

  @Override
  public DType targetType() {
    return DType.I32;
  }

  /** The output's shape without the last dimension, which is that of the classes. */
  @Override
  public Shape targetShape(Shape output) {
    return Shape.of(Arrays.copyOf(output.toArray(), Math.max(output.rank() - 1, 0)));
  }

  @Override
  public float[] classWeights() {
    return classWeights.clone();
  }

  @Override
  public boolean countsCorrect() {
    return true;
  }

  @Override
  public int ignoreLabel() {
    return ignoreLabel;
  }

  /** The weight of the uniform distribution. */
  public float labelSmoothing() {
    return labelSmoothing;
  }

  @Override
  public void add(Value output, Value targets, Value state, float seed) {
    int classes = classWeights.length;
    Value weights =
        classes == 0 ? null : output.graph().input(CLASS_WEIGHTS, DType.F32, Shape.of(classes));
    StepOps.crossEntropy(output, targets, weights, state, labelSmoothing, ignoreLabel, seed);
  }

  @Override
  public String toString() {
    return "cross-entropy"
        + (labelSmoothing > 0 ? ", label smoothing " + labelSmoothing : "")
        + (ignoreLabel != NONE_IGNORED ? ", ignoring label " + ignoreLabel : "")
        + (classWeights.length > 0 ? ", class weights " + Arrays.toString(classWeights) : "");
  }
}
