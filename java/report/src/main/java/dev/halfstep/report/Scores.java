package dev.halfstep.report;

import dev.halfstep.data.CsvData;
import dev.halfstep.data.CsvTarget;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleReader;
import dev.halfstep.metric.Metrics;
import dev.halfstep.optim.Loss;
import dev.halfstep.train.Trainer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Measures how well a model does: by the accuracy if it predicts classes, and by the root of the
 * mean squared error, in the units of the target, if it predicts numbers.
 *
 * @param target the numbers that are predicted; empty if classes are
 */
public record Scores(Optional<CsvTarget> target) {
  private static final CsvTarget AS_THEY_ARE = new CsvTarget("target", List.of(), 0, 1);

  /** Accuracies of classes. */
  public static final Scores OF_CLASSES = new Scores(Optional.empty());

  /** Of a run on the rows of a CSV file. */
  public static Scores of(CsvData table) {
    return new Scores(Optional.of(table.schema().target()).filter(CsvTarget::ofNumbers));
  }

  /** Of any run: numbers are what a squared error is of. */
  static Scores of(Trainer trainer, RunDescription run) {
    if (run.table().isPresent()) {
      return of(run.table().get());
    }
    boolean numbers = trainer.options().sessionOptions().loss().equals(Loss.meanSquaredError());
    return numbers ? new Scores(Optional.of(AS_THEY_ARE)) : OF_CLASSES;
  }

  /** Loss and accuracy, or error, as people read them. */
  public String described(Metrics metrics) {
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

  /** The share of the numbers' variance that the model explains (R2); null for classes. */
  @Nullable Double explained(Metrics metrics, Dataset data) {
    if (target.isEmpty()) {
      return null;
    }
    double sum = 0;
    double squares = 0;
    long count = 0;
    for (SampleReader reader = new SampleReader(data); reader.next(); ) {
      FloatBuffer values = reader.batch().target(0).asFloatBuffer();
      count += values.limit();
      for (int i = 0; i < values.limit(); i++) {
        sum += values.get(i);
        squares += (double) values.get(i) * values.get(i);
      }
    }
    double mean = sum / count;
    return Json.number(1 - metrics.loss() / (squares / count - mean * mean));
  }

  /** Converts an error to the target's units; losses are those of standardised numbers. */
  private double error(Metrics metrics) {
    return target.orElseThrow().std() * Math.sqrt(metrics.loss());
  }
}
