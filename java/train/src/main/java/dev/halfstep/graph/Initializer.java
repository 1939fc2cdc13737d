package dev.halfstep.graph;

/** The distribution that a parameter's first values are drawn from. */
public sealed interface Initializer {
  /** All elements equal. */
  record Constant(float value) implements Initializer {}

  /** Uniform in [low, high). */
  record Uniform(float low, float high) implements Initializer {}

  /** Normal with a mean and a standard deviation. */
  record Normal(float mean, float deviation) implements Initializer {}

  /**
   * Uniform in [-1/sqrt(fanIn), 1/sqrt(fanIn)): what PyTorch gives the weights and biases of linear
   * and convolution layers ({@code kaiming_uniform_} with a = sqrt(5)).
   *
   * @param fanIn how many inputs feed one output
   */
  static Initializer fanIn(long fanIn) {
    float bound = (float) (1 / Math.sqrt((double) Math.max(fanIn, 1)));
    return new Uniform(-bound, bound);
  }
}
