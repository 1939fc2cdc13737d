package dev.halfstep.data;

import java.util.Arrays;

/**
 * The mean that is subtracted from features and the deviation that they are divided by, for each
 * channel (the last dimension of a sample) or for all channels: x' = (x - mean) / std. Both have
 * the units of the stored features: pixels of 0 to 255 have a mean between 0 and 255. Kernels
 * compute x * scale + shift while they gather a batch. Immutable.
 */
public final class Normalization {
  /** No normalisation. */
  public static final Normalization NONE = new Normalization(new double[] {0}, new double[] {1});

  private final double[] mean;
  private final double[] std;

  private Normalization(double[] mean, double[] std) {
    this.mean = mean;
    this.std = std;
  }

  /**
   * A normalisation with one mean and deviation per channel, or a single one for all.
   *
   * @throws IllegalArgumentException if the lengths differ or are 0, a number is not finite or a
   *     deviation is not positive
   */
  public static Normalization of(double[] mean, double[] std) {
    if (mean.length == 0 || mean.length != std.length) {
      throw new IllegalArgumentException(
          "a normalization needs as many means as deviations, at least one: it was given "
              + mean.length
              + " and "
              + std.length);
    }
    for (int i = 0; i < mean.length; i++) {
      if (!Double.isFinite(mean[i]) || !Double.isFinite(std[i]) || std[i] <= 0) {
        throw new IllegalArgumentException(
            "channel "
                + i
                + " cannot be normalized with mean "
                + mean[i]
                + " and standard deviation "
                + std[i]
                + ": both must be finite and the deviation positive");
      }
    }
    return new Normalization(mean.clone(), std.clone());
  }

  /**
   * A normalisation of byte pixels, from the mean and deviation of pixels scaled to [0, 1], which
   * are often published: both are multiplied by 255.
   */
  public static Normalization ofUnitPixels(double mean, double std) {
    return of(new double[] {mean * 255}, new double[] {std * 255});
  }

  /** The number of channels, or 1 if all have the same normalisation. */
  public int channels() {
    return mean.length;
  }

  /** The mean of a channel. */
  public double mean(int channel) {
    return mean[channel];
  }

  /** The standard deviation of a channel. */
  public double std(int channel) {
    return std[channel];
  }

  /** (x - mean) / std of one channel. */
  public double apply(double x, int channel) {
    return (x - mean[channel]) / std[channel];
  }

  /** 1 / std for each channel, in a new array. */
  public float[] scale() {
    float[] scale = new float[std.length];
    for (int i = 0; i < scale.length; i++) {
      scale[i] = (float) (1 / std[i]);
    }
    return scale;
  }

  /** -mean / std for each channel, in a new array. */
  public float[] shift() {
    float[] shift = new float[std.length];
    for (int i = 0; i < shift.length; i++) {
      shift[i] = (float) (0 - mean[i] / std[i]);
    }
    return shift;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Normalization that
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(std, that.std);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(mean) + Arrays.hashCode(std);
  }

  @Override
  public String toString() {
    return "mean " + Arrays.toString(mean) + ", std " + Arrays.toString(std);
  }
}
