package dev.halfstep.optim;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * The rule by which gradients change parameters. A schedule can change its learning rate and
 * momentum during a run. Weight decay does not apply to biases and other parameters of one
 * dimension.
 */
public sealed interface Optimizer permits Sgd, Adam, AdamW, Lars, Lamb {
  /** Stochastic gradient descent. */
  static Sgd sgd(double learningRate) {
    return new Sgd((float) learningRate, 0, false, 0);
  }

  /** Adam with beta1 0.9, beta2 0.999, eps 1e-8 and no weight decay. */
  static Adam adam(double learningRate) {
    return new Adam((float) learningRate, 0.9f, 0.999f, 1e-8f, 0);
  }

  /** AdamW with beta1 0.9, beta2 0.999, eps 1e-8 and weight decay 0.01. */
  static AdamW adamW(double learningRate) {
    return new AdamW((float) learningRate, 0.9f, 0.999f, 1e-8f, 0.01f);
  }

  /** LARS with momentum 0.9, weight decay 1e-4 and trust coefficient 0.001. */
  static Lars lars(double learningRate) {
    return new Lars((float) learningRate, 0.9f, 1e-4f, 0.001f);
  }

  /** LAMB with beta1 0.9, beta2 0.999, eps 1e-6 and weight decay 0.01. */
  static Lamb lamb(double learningRate) {
    return new Lamb((float) learningRate, 0.9f, 0.999f, 1e-6f, 0.01f);
  }

  /** The learning rate. */
  float learningRate();

  /** SGD's and LARS's momentum, beta1 of the others. */
  float momentum();

  /** The strength of weight decay. */
  float weightDecay();

  /** The same with another weight decay. */
  Optimizer withWeightDecay(double weightDecay);

  /** How many numbers of state it keeps per weight: its moments. */
  int moments();

  /** Whether it needs the norm of each parameter tensor. */
  default boolean usesNorms() {
    return false;
  }

  /** Its kernel, for {@code count} weights. */
  OptimizerStepKernel.Builder kernel(long count);

  /** Floating-point operations of one update of one weight. */
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

  /** Throws unless beta2 and eps are possible. */
  static void checkSecondMoment(String name, float beta2, float eps) {
    if (!(beta2 >= 0 && beta2 < 1) || !(eps >= 0)) {
      throw new IllegalArgumentException(
          name + ": beta2 must be in [0, 1) and eps not negative, not " + beta2 + " and " + eps);
    }
  }
}
