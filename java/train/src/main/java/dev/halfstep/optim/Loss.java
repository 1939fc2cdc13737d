package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.PointwiseLossOp;
import dev.halfstep.graph.Value;

/** What is minimised. */
public sealed interface Loss permits CrossEntropy, ElementwiseLoss {
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

  /** The type of the targets: I32 for class labels, F32 for values. */
  DType targetType();

  /** The shape of one sample's targets for a model whose output for one sample has this shape. */
  Shape targetShape(Shape output);

  /** Weights of the classes; empty if all are 1. */
  float[] classWeights();

  /**
   * Adds the loss to the graph of the model's output.
   *
   * @param output what the model says, {@code [batch, ...]}
   * @param targets what is right
   * @param state the step's state, which takes the sums
   * @param seed 1 / weight units of the step: what the gradient is multiplied by
   */
  void add(Value output, Value targets, Value state, float seed);
}
