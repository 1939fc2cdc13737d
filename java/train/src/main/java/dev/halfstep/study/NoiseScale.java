package dev.halfstep.study;

import dev.halfstep.metric.GradientNoise;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The gradient noise scale (McCandlish et al., 2018): up to this batch size, a larger batch saves
 * steps almost in proportion. It is tr(S) / |G|^2, with the covariance S of one sample's gradient
 * and the true gradient G, estimated from the gradients of small batches and of the large batch
 * that consists of them. Both are averaged over measurements before they are divided. Immutable.
 */
public final class NoiseScale {
  private final double decay;
  private final double variance;
  private final double square;
  private final double weight;

  private NoiseScale(double decay, double variance, double square, double weight) {
    this.decay = decay;
    this.variance = variance;
    this.square = square;
    this.weight = weight;
  }

  /**
   * A scale without measurements.
   *
   * @param decay the decay of the exponential moving averages, in [0, 1)
   */
  public static NoiseScale withDecay(double decay) {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException("the decay of an average is in [0, 1), not " + decay);
    }
    return new NoiseScale(decay, 0, 0, 0);
  }

  /**
   * Adds a measurement.
   *
   * @param smallBatch the number of samples of each small batch
   * @param gradients the gradients of at least two small batches of different samples
   */
  public NoiseScale add(int smallBatch, List<float[]> gradients) {
    double mean = gradients.stream().mapToDouble(NoiseScale::square).average().orElse(0);
    return add(smallBatch, mean, smallBatch * gradients.size(), square(mean(gradients)));
  }

  /**
   * Adds a measurement, as {@link GradientNoise#of} defines it.
   *
   * @param smallBatch Bs
   * @param smallSquare mean |gs|^2
   * @param largeBatch Bb, larger than Bs
   * @param largeSquare |gb|^2
   */
  public NoiseScale add(int smallBatch, double smallSquare, int largeBatch, double largeSquare) {
    GradientNoise found = GradientNoise.of(smallBatch, smallSquare, largeBatch, largeSquare);
    return new NoiseScale(
        decay,
        decay * variance + (1 - decay) * found.variance(),
        decay * square + (1 - decay) * found.squaredGradient(),
        decay * weight + (1 - decay));
  }

  /** The estimate in samples; empty ("unmeasured") where the estimate of |G|^2 is not positive. */
  public OptionalDouble value() {
    return new GradientNoise(variance, square).scale();
  }

  /** The estimate of |G|^2; NaN before the first measurement. */
  public double squaredGradient() {
    return square / weight;
  }

  /** The estimate of tr(S), the variance of one sample's gradient; NaN before the first. */
  public double variance() {
    return variance / weight;
  }

  static double square(float[] gradient) {
    double sum = 0;
    for (float value : gradient) {
      sum += (double) value * value;
    }
    return sum;
  }

  static float[] mean(List<float[]> gradients) {
    float[] mean = new float[gradients.get(0).length];
    for (int i = 0; i < mean.length; i++) {
      double sum = 0;
      for (float[] gradient : gradients) {
        sum += gradient[i];
      }
      mean[i] = (float) (sum / gradients.size());
    }
    return mean;
  }
}
