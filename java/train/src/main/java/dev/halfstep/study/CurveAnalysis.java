package dev.halfstep.study;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.train.History;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * An analysis of a run's learning curves. Losses are compared in units of the first training loss.
 *
 * @param verdict the conclusion
 * @param evidence the numbers that support it
 * @param slope of the validation loss (training loss without validation data), smoothed by medians
 *     of three, over the last third of the epochs, in units of the first loss per epoch; negative
 *     if the loss falls
 * @param gap the difference of validation and training loss at the end, in units of the first loss
 */
public record CurveAnalysis(Verdict verdict, String evidence, double slope, double gap) {
  /** The possible conclusions. */
  public enum Verdict {
    /** Fewer than three epochs. */
    TOO_SHORT,
    /** The training loss is not finite, or ends above where it began. */
    DIVERGED,
    /** The training loss goes up as often as down, by more than it falls. */
    OSCILLATING,
    /** The validation loss rises while the training loss falls. */
    OVERFITTING,
    /** The loss still falls, and its last value is the best. */
    STILL_IMPROVING,
    /** The loss no longer changes, but has hardly fallen since the first epoch. */
    UNDERFITTING,
    /** The loss no longer changes. */
    CONVERGED
  }

  private static final double FLAT = 0.005; // of the first loss, per epoch
  private static final double RISEN = 0.05; // of the first loss above the best
  private static final double HARDLY = 0.1; // of the first loss

  /** Analyses the curves of a run. */
  public static CurveAnalysis of(History history) {
    List<EpochRecord> epochs =
        history.epochs().stream()
            .filter(epoch -> !epoch.validation().orElse(epoch.train()).isEmpty())
            .toList(); // an epoch in which no row counted has no loss
    double[] train = epochs.stream().mapToDouble(epoch -> epoch.train().loss()).toArray();
    double[] validation =
        epochs.stream()
            .mapToDouble(epoch -> epoch.validation().map(Metrics::loss).orElse(Double.NaN))
            .toArray();
    double[] steps = history.stepLosses();
    boolean broken = steps.length > 0 && !Double.isFinite(steps[steps.length - 1]);
    return broken
        ? new CurveAnalysis(
            Verdict.DIVERGED, "the last step's loss is not finite", Double.NaN, Double.NaN)
        : of(train, validation);
  }

  /**
   * Analyses curves with one value per epoch.
   *
   * @param train losses
   * @param validation losses, NaN where there are none
   */
  static CurveAnalysis of(double[] train, double[] validation) {
    int n = train.length;
    if (n < 3) {
      return new CurveAnalysis(Verdict.TOO_SHORT, n + " epochs", Double.NaN, Double.NaN);
    }
    boolean validated = !Double.isNaN(validation[n - 1]);
    double unit = Math.max(Math.abs(train[0]), Double.MIN_NORMAL);
    double[] watched = smoothed(validated ? validation : train);
    boolean finite = Double.isFinite(train[n - 1]);
    double[] end = Arrays.copyOfRange(watched, n - Math.max(3, n / 3), n);
    double slope = finite ? slope(end) / unit : Double.NaN;
    double gap = validated ? (validation[n - 1] - train[n - 1]) / unit : Double.NaN;
    double fallen = (train[0] - train[n - 1]) / unit;
    double best = Arrays.stream(watched).min().orElse(Double.NaN);
    double risen = (watched[n - 1] - best) / unit;
    double rough = roughness(train) / unit;
    Verdict verdict;
    if (rough > Math.max(Math.abs(fallen), RISEN)) {
      verdict = Verdict.OSCILLATING;
    } else if (!finite || fallen < -RISEN) {
      verdict = Verdict.DIVERGED;
    } else if (validated && risen > RISEN && fallen > 0) {
      verdict = Verdict.OVERFITTING;
    } else if (slope < -FLAT && risen <= FLAT) {
      verdict = Verdict.STILL_IMPROVING;
    } else {
      verdict = fallen < HARDLY ? Verdict.UNDERFITTING : Verdict.CONVERGED;
    }
    String evidence =
        String.format(
            Locale.ROOT,
            "training loss %.4f to %.4f; slope at the end %+.2f %% of the first loss an epoch; ups"
                + " and downs %.1f %%%s",
            train[0],
            train[n - 1],
            100 * slope,
            100 * rough,
            validated
                ? String.format(
                    Locale.ROOT,
                    "; validation %.1f %% above its best, gap %.1f %%",
                    100 * risen,
                    100 * gap)
                : "");
    return new CurveAnalysis(verdict, evidence, slope, gap);
  }

  /** The median of each value and its neighbours, which removes single outliers without a shift. */
  private static double[] smoothed(double[] values) {
    double[] result = values.clone();
    for (int i = 1; i + 1 < result.length; i++) {
      double[] three = {values[i - 1], values[i], values[i + 1]};
      Arrays.sort(three);
      result[i] = three[1];
    }
    return result;
  }

  /** The slope of the least-squares line over 0, 1, ... */
  private static double slope(double[] values) {
    double middle = (values.length - 1) / 2.0;
    double products = 0;
    double squares = 0;
    for (int i = 0; i < values.length; i++) {
      products += (i - middle) * values[i];
      squares += (i - middle) * (i - middle);
    }
    return products / squares;
  }

  /**
   * The mean size of reversals: where two successive changes have opposite signs, the smaller of
   * them.
   */
  private static double roughness(double[] values) {
    double sum = 0;
    for (int i = 2; i < values.length; i++) {
      double before = values[i - 1] - values[i - 2];
      double now = values[i] - values[i - 1];
      sum += before * now < 0 ? Math.min(Math.abs(before), Math.abs(now)) : 0;
    }
    return sum / (values.length - 2);
  }
}
