package dev.halfstep.data;

import java.nio.ByteBuffer;

/**
 * Measures means and standard deviations of inputs by channel, the last dimension of a sample, to
 * normalise them to mean 0 and deviation 1.
 */
public final class Standardization {
  private Standardization() {}

  /** Both parts, normalised with means and deviations of the training part. */
  public static Split of(Split parts) {
    Normalization measured = measured(parts.train());
    return new Split(
        parts.train().withNormalization(measured), parts.heldOut().withNormalization(measured));
  }

  /**
   * The mean and the standard deviation (biased) of each channel of the first input over all
   * samples and positions. A channel that is constant is only centred. All samples are read twice.
   *
   * @param data bytes or floats, finite
   */
  public static Normalization measured(Dataset data) {
    InputSpec input = data.form().input();
    int channels = (int) Math.max(1, input.shape().dim(-1));
    double perChannel = (double) data.size() * input.shape().elements() / channels;
    double[] mean = new double[channels];
    for (SampleReader reader = new SampleReader(data); reader.next(); ) {
      ByteBuffer values = reader.batch().input(0);
      for (int i = 0; i < count(input, values); i++) {
        mean[i % channels] += SampleBatch.raw(input.type(), values, i) / perChannel;
      }
    }
    double[] std = new double[channels];
    for (SampleReader reader = new SampleReader(data); reader.next(); ) {
      ByteBuffer values = reader.batch().input(0);
      for (int i = 0; i < count(input, values); i++) {
        double deviation = SampleBatch.raw(input.type(), values, i) - mean[i % channels];
        std[i % channels] += deviation * deviation / perChannel;
      }
    }
    for (int i = 0; i < channels; i++) {
      double deviation = Math.sqrt(std[i]);
      // A channel whose deviation is only rounding error is constant.
      std[i] = deviation > 1e-12 * Math.abs(mean[i]) ? deviation : 1;
    }
    return Normalization.of(mean, std);
  }

  private static int count(InputSpec input, ByteBuffer values) {
    return values.limit() / input.type().bytes();
  }
}
