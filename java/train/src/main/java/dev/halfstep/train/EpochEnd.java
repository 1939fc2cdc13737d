package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.GradientNoise;
import dev.halfstep.metric.Metric;
import dev.halfstep.metric.Metrics;
import dev.halfstep.random.RandomStream;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/** The measurements at the end of an epoch, with averaged weights if the run has them. */
final class EpochEnd {
  private static final int NOISE_BATCH = 8;
  private static final int NOISE_BATCHES = 16;

  private final TrainerOptions options;
  private final FitState fit;
  private final TrainingSession session;

  EpochEnd(TrainerOptions options, FitState fit, TrainingSession session) {
    this.options = options;
    this.fit = fit;
    this.session = session;
  }

  /**
   * Validates an epoch whose steps are done, keeps its weights if they are the best, and adds its
   * record to the run.
   *
   * @param seconds the time that its training took
   * @return empty if the thread is interrupted meanwhile; the run then stops without this record
   */
  Optional<EpochRecord> record(double seconds) {
    GradientStatistics gradients = fit.gradients.orElseGet(session::gradientStatistics);
    Optional<GradientNoise> noise = noise();
    float[] trained = useAverage();
    Optional<Metrics> validation;
    Optional<Confusion> confusion = Optional.empty();
    Map<String, Double> own;
    try {
      validation = options.validation.map(session::evaluate);
      if (options.countsConfusion()) {
        confusion = options.validation.map(session::confusion);
      }
      own = own();
    } catch (CancellationException interrupted) {
      fit.lookAtClock();
      useTrained(trained);
      return Optional.empty();
    }
    EpochRecord record =
        new EpochRecord(
            fit.epoch(),
            fit.metrics(),
            validation,
            confusion,
            fit.stepsOfEpoch(),
            fit.batchSize(),
            fit.log.learningRate(),
            seconds,
            gradients,
            noise,
            own);
    if (fit.isBest(record)) {
      fit.weights.best(session.weights());
    }
    fit.endEpoch(record);
    useTrained(trained);
    return Optional.of(record);
  }

  /** The user-defined metrics, computed from the model's outputs for the validation data. */
  private Map<String, Double> own() {
    Map<String, Double> values = new LinkedHashMap<>();
    Map<String, float[]> outputs = Map.of();
    for (Metric metric : options.metrics()) {
      if (metric.function().isPresent()) {
        Dataset data = options.validation.orElseThrow();
        outputs = outputs.isEmpty() ? session.namedOutputs(data) : outputs;
        Map<String, float[]> copies = new LinkedHashMap<>(outputs);
        copies.replaceAll((name, array) -> array.clone());
        values.put(metric.label(), metric.function().get().of(copies, data));
      }
    }
    return values;
  }

  /** The gradient noise, if it is requested, measured on samples drawn for this epoch. */
  private Optional<GradientNoise> noise() {
    int samples = options.train.size();
    boolean asked = options.gradientNoise || options.responsive.isPresent();
    int small = Math.min(NOISE_BATCH, samples / 2);
    if (!asked || small == 0) {
      return Optional.empty();
    }
    int[] order = new int[samples];
    Order.fill(RandomStream.NOISE.key(options.session.seed()), fit.epoch() - 1, order);
    int batches = Math.min(NOISE_BATCHES, samples / small);
    return Optional.of(session.gradientNoise(small, Arrays.copyOf(order, batches * small)));
  }

  /** Sets the session's weights to averaged ones, if there are any; returns the trained weights. */
  private float[] useAverage() {
    WeightAverage average = options.average.orElse(null);
    if (average == null || fit.epoch() < average.startEpoch()) {
      return new float[0];
    }
    float[] trained = session.weights();
    boolean exponential = average.kind() == WeightAverage.Kind.EXPONENTIAL;
    session.weights(exponential ? session.averagedWeights() : fit.weights.average(trained));
    return trained;
  }

  /** Restores the weights that {@link #useAverage} returned. */
  private void useTrained(float[] trained) {
    if (trained.length > 0) {
      session.weights(trained);
    }
  }
}
