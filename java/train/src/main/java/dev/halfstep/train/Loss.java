package dev.halfstep.train;

import dev.halfstep.graph.Value;

/** What is minimised. */
public sealed interface Loss permits CrossEntropy {
  /** Softmax cross-entropy of logits and class labels. */
  static CrossEntropy crossEntropy() {
    return new CrossEntropy(0, -1, new float[0]);
  }

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
