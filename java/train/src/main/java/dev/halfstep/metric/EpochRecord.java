package dev.halfstep.metric;

import dev.halfstep.kernel.GradientStatistics;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What one complete epoch was, or the last one as far as the budget let it come.
 *
 * @param epoch counts from 1
 * @param train over the training samples, each evaluated in the update that it took part in, with
 *     the weights of that moment; weighted by samples, so that a short last batch counts for what
 *     it holds
 * @param validation over the validation samples with the weights at the epoch's end, if there are
 *     such samples
 * @param confusion over the validation samples, where a metric needs it
 * @param steps its steps, skipped ones included
 * @param batchSize samples of a full step; of the last, if a callback changed it within the epoch
 * @param learningRate of the epoch's last update
 * @param seconds wall time of the epoch's training, without validation
 * @param gradients of all trained parameters in the epoch's last step, unscaled, before clipping
 * @param noise of single samples' gradients with the weights at the epoch's end, where the
 *     trainer's option {@code gradientNoise} or a responsive batch asks for it
 * @param own values of the run's {@linkplain Metric#of metrics of one's own}, by their labels
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
  /** Copies the map in its order. */
  public EpochRecord {
    own = Collections.unmodifiableMap(new LinkedHashMap<>(own));
  }

  /** Training samples a second, validation left out. */
  public double samplesPerSecond() {
    return train.rows() / seconds;
  }

  /** The gradient noise scale in samples; empty where it was not or could not be measured. */
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
