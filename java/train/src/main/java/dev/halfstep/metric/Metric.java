package dev.halfstep.metric;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What an epoch is judged by. */
public enum Metric {
  TRAIN_LOSS("train_loss", false),
  TRAIN_ACCURACY("train_accuracy", true),
  VAL_LOSS("val_loss", false),
  VAL_ACCURACY("val_accuracy", true),
  /** The mean over classes of {@link Confusion#precision}. */
  VAL_PRECISION("val_precision", true),
  /** The mean over classes of {@link Confusion#recall}. */
  VAL_RECALL("val_recall", true),
  /** The mean over classes of {@link Confusion#f1}. */
  VAL_F1("val_f1", true);

  private final String label;
  private final boolean increasing;

  Metric(String label, boolean increasing) {
    this.label = label;
    this.increasing = increasing;
  }

  /** Its name in options and reports, such as {@code val_loss}. */
  public String label() {
    return label;
  }

  /** Whether more is better. */
  public boolean increasing() {
    return increasing;
  }

  /** Whether it is measured on validation data. */
  public boolean needsValidation() {
    return this != TRAIN_LOSS && this != TRAIN_ACCURACY;
  }

  /** Whether it comes from counts of which class was taken for which: class labels alone do. */
  public boolean needsConfusion() {
    return this == VAL_PRECISION || this == VAL_RECALL || this == VAL_F1;
  }

  /**
   * The metric of that name.
   *
   * @throws IllegalArgumentException if there is none, with the names there are
   */
  public static Metric named(String label) {
    for (Metric metric : values()) {
      if (metric.label.equals(label)) {
        return metric;
      }
    }
    throw new IllegalArgumentException(
        "there is no metric " + label + ": there are " + String.join(", ", labels(true)));
  }

  /** The names of all metrics, or of those that can be had without validation data. */
  public static List<String> labels(boolean validation) {
    return Arrays.stream(values())
        .filter(metric -> validation || !metric.needsValidation())
        .map(Metric::label)
        .toList();
  }

  /**
   * Whether there was anything to judge an epoch by: not if all labels were ignored or of weight 0.
   */
  public boolean isMeasured(EpochRecord epoch) {
    return !(needsValidation() ? epoch.validation() : Optional.of(epoch.train()))
        .map(Metrics::isEmpty)
        .orElse(false);
  }

  /**
   * Its value in an epoch; 0 if no row of the data counted.
   *
   * @throws IllegalArgumentException if the epoch was not validated and it needs that
   */
  public double of(EpochRecord epoch) {
    if (needsConfusion()) {
      Confusion confusion =
          epoch
              .confusion()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          label + " needs validation data with class labels, but there are none"));
      return this == VAL_F1
          ? confusion.f1()
          : this == VAL_RECALL ? confusion.recall() : confusion.precision();
    }
    Metrics metrics =
        needsValidation()
            ? epoch
                .validation()
                .orElseThrow(
                    () ->
                        new IllegalArgumentException(
                            label + " needs validation data, but there are none"))
            : epoch.train();
    return increasing ? metrics.accuracy() : metrics.loss();
  }

  /** Whether {@code value} is better than {@code best} by more than {@code delta}. */
  public boolean better(double value, double best, double delta) {
    return increasing ? value > best + delta : value < best - delta;
  }

  /** What everything is better than. */
  public double worst() {
    return increasing ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }
}
