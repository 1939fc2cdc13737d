package dev.halfstep.cli;

import dev.halfstep.data.CsvTarget;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleReader;
import dev.halfstep.metric.Metrics;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How well a model does: by its accuracy where it predicts classes; where it predicts numbers, by
 * the root of the mean squared error in their own units.
 *
 * @param target the numbers that are predicted, if there are such
 */
record Scores(Optional<CsvTarget> target) {
  /** Of classes. */
  static final Scores OF_CLASSES = new Scores(Optional.empty());

  /** Loss and accuracy, or error, as people read them. */
  String described(Metrics metrics) {
    return target.isEmpty()
        ? String.format(Locale.ROOT, "loss %.4f, %.2f %%", metrics.loss(), 100 * metrics.accuracy())
        : String.format(Locale.ROOT, "loss %.4f, RMSE %.4g", metrics.loss(), error(metrics));
  }

  /** The accuracy; null for numbers. */
  @Nullable Double accuracy(Metrics metrics) {
    return target.isEmpty() ? Json.number(metrics.accuracy()) : null;
  }

  /** The root of the mean squared error; null for classes. */
  @Nullable Double rmse(Metrics metrics) {
    return target.isEmpty() ? null : Json.number(error(metrics));
  }

  /** What part of the numbers' variance is explained (R2); null for classes. */
  @Nullable Double explained(Metrics metrics, Dataset data) {
    if (target.isEmpty()) {
      return null;
    }
    double sum = 0;
    double squares = 0;
    for (SampleReader reader = new SampleReader(data); reader.next(); ) {
      for (int i = 0; i < reader.batch().rows(); i++) {
        float value = reader.batch().target(0).getFloat(Float.BYTES * i);
        sum += value;
        squares += (double) value * value;
      }
    }
    double mean = sum / data.size();
    return Json.number(1 - metrics.loss() / (squares / data.size() - mean * mean));
  }

  /** In the target's own units: losses are those of standardised numbers. */
  private double error(Metrics metrics) {
    return target.orElseThrow().std() * Math.sqrt(metrics.loss());
  }
}
