package dev.halfstep.train;

import dev.halfstep.kernel.OptimizerStep;

/**
 * The rule by which gradients change parameters. Learning rate and momentum are those of a run
 * without a schedule. Weight decay leaves out biases and other parameters of one dimension.
 */
public sealed interface Optimizer permits Sgd, AdamW {
  /** Stochastic gradient descent. */
  static Sgd sgd(double learningRate) {
    return new Sgd((float) learningRate, 0, false, 0);
  }

  /** AdamW with beta1 0.9, beta2 0.999, eps 1e-8 and weight decay 0.01. */
  static AdamW adamW(double learningRate) {
    return new AdamW((float) learningRate, 0.9f, 0.999f, 1e-8f, 0.01f);
  }

  /** How far a step goes. */
  float learningRate();

  /** SGD's momentum, Adam's beta1. */
  float momentum();

  /** The strength of weight decay. */
  float weightDecay();

  /** How many numbers it keeps for each parameter beside its gradient. */
  int moments();

  /** Its kernel, for so many parameters. */
  OptimizerStep.Builder kernel(long count);

  /** Floating-point operations of one update of one parameter. */
  int flopsPerParameter();

  /** Throws unless learning rate, momentum and weight decay are possible. */
  static void check(String name, float learningRate, float momentum, float weightDecay) {
    if (!(learningRate >= 0) || Float.isInfinite(learningRate)) {
      throw new IllegalArgumentException(
          name + ": the learning rate must be finite and not negative, not " + learningRate);
    }
    if (!(momentum >= 0 && momentum < 1)) {
      throw new IllegalArgumentException(
          name + ": momentum (beta1) must be in [0, 1), not " + momentum);
    }
    if (!(weightDecay >= 0) || Float.isInfinite(weightDecay)) {
      throw new IllegalArgumentException(
          name + ": weight decay must be finite and not negative, not " + weightDecay);
    }
  }
}
