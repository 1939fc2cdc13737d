package dev.halfstep.metric;

import dev.halfstep.kernel.GradientStatistics;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The results of one epoch, which may be incomplete if the budget ended the run in it.
 *
 * @param epoch counts from 1
 * @param train over the training samples, each evaluated with the weights just before the update
 *     that used it; weighted by samples, so that a short last batch counts less
 * @param validation over the validation samples, if there are any, with the weights at the epoch's
 *     end
 * @param confusion over the validation samples, if a metric needs it
 * @param steps the number of steps, including skipped ones
 * @param batchSize samples of a full step; of the last, if a callback changed it within the epoch
 * @param learningRate of the epoch's last update
 * @param seconds wall time of the epoch's training, without validation
 * @param gradients norms of all trained parameters' gradients in the epoch's last step, unscaled,
 *     before clipping
 * @param noise the scatter of single samples' gradients with the weights at the epoch's end, if the
 *     trainer's option {@code gradientNoise} or a responsive batch asks for it
 * @param own values of the run's {@linkplain Metric#of user-defined metrics}, by label
 */
public record EpochRecord(
    int epoch,
    Metrics train,
    Optional<Metrics> validation,
    Optional<Confusion> confusion,
    int steps,
    int batchSize,
    float learningRate,
    double seconds,
    GradientStatistics gradients,
    Optional<GradientNoise> noise,
    Map<String, Double> own) {
  /** Copies the map and keeps its order. */
  public EpochRecord {
    own = Collections.unmodifiableMap(new LinkedHashMap<>(own));
  }

  /** Training samples per second, without the time of validation. */
  public double samplesPerSecond() {
    return train.rows() / seconds;
  }

  /** The gradient noise scale in samples; empty if it was not measured or could not be. */
  public OptionalDouble noiseScale() {
    return noise.map(GradientNoise::scale).orElse(OptionalDouble.empty());
  }

  /** The signal-to-noise ratio of the gradient of a full batch, likewise. */
  public OptionalDouble signalToNoise() {
    return noise.map(found -> found.signalToNoise(batchSize)).orElse(OptionalDouble.empty());
  }

  /** The validation loss, or the training loss without validation. */
  public double monitoredLoss() {
    return validation.orElse(train).loss();
  }
}
