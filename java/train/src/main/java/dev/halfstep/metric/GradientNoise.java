package dev.halfstep.metric;

import java.util.OptionalDouble;

/**
 * One measurement of how the gradients of single samples scatter (McCandlish et al., 2018), from
 * the gradients of small batches and of the large batch that consists of them.
 *
 * @param variance the estimate of tr(S), the variance of one sample's gradient: that of a batch of
 *     B samples is tr(S) / B
 * @param squaredGradient the estimate of |G|^2 of the true gradient; noise can make it negative
 */
public record GradientNoise(double variance, double squaredGradient) {
  /**
   * |G|^2 = (Bb |gb|^2 - Bs mean |gs|^2) / (Bb - Bs), tr(S) = (mean |gs|^2 - |gb|^2) / (1 / Bs - 1
   * / Bb).
   *
   * @param smallBatch Bs, at least 1
   * @param smallSquare mean |gs|^2
   * @param largeBatch Bb, larger than Bs
   * @param largeSquare |gb|^2
   */
  public static GradientNoise of(
      int smallBatch, double smallSquare, int largeBatch, double largeSquare) {
    if (smallBatch < 1 || largeBatch <= smallBatch) {
      throw new IllegalArgumentException(
          "a noise scale needs a small batch of at least 1 and a larger one, not "
              + smallBatch
              + " and "
              + largeBatch);
    }
    return new GradientNoise(
        (smallSquare - largeSquare) / (1.0 / smallBatch - 1.0 / largeBatch),
        (largeBatch * largeSquare - smallBatch * smallSquare) / (largeBatch - smallBatch));
  }

  /**
   * The noise scale tr(S) / |G|^2 in samples: up to this batch size, a larger batch saves steps
   * almost in proportion. Empty ("unmeasured") if the estimate of |G|^2 is not positive.
   */
  public OptionalDouble scale() {
    return squaredGradient > 0 && variance >= 0
        ? OptionalDouble.of(variance / squaredGradient)
        : OptionalDouble.empty();
  }

  /**
   * The signal-to-noise ratio |G| / sqrt(tr(S) / B) of the gradient of a batch of B samples: 1 if B
   * is the noise scale. Empty if that is unmeasured.
   */
  public OptionalDouble signalToNoise(int batchSize) {
    OptionalDouble scale = scale();
    return scale.isPresent()
        ? OptionalDouble.of(Math.sqrt(batchSize / scale.getAsDouble()))
        : scale;
  }
}
