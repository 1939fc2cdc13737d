package dev.halfstep.metric;

import dev.halfstep.data.Dataset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A measure of an epoch's quality: one of the constants, or a user-defined function over the
 * validation data. It can select the best epoch, and early stopping and a plateau can watch it.
 *
 * <pre>{@code
 * Metric error = Metric.of("val_mae", false, (outputs, data) -> meanAbsoluteError(outputs, data));
 * builder.monitor(error).earlyStopping(EarlyStopping.on(error, 5)).fit();
 * }</pre>
 */
public final class Metric {
  public static final Metric TRAIN_LOSS = new Metric("train_loss", Source.TRAINING, false);
  public static final Metric TRAIN_ACCURACY = new Metric("train_accuracy", Source.TRAINING, true);
  public static final Metric VAL_LOSS = new Metric("val_loss", Source.VALIDATION, false);
  public static final Metric VAL_ACCURACY = new Metric("val_accuracy", Source.VALIDATION, true);

  /** The mean over classes of {@link Confusion#precision}. */
  public static final Metric VAL_PRECISION = new Metric("val_precision", Source.CONFUSION, true);

  /** The mean over classes of {@link Confusion#recall}. */
  public static final Metric VAL_RECALL = new Metric("val_recall", Source.CONFUSION, true);

  /** The mean over classes of {@link Confusion#f1}. */
  public static final Metric VAL_F1 = new Metric("val_f1", Source.CONFUSION, true);

  private static final List<Metric> BUILT_IN =
      List.of(
          TRAIN_LOSS, TRAIN_ACCURACY, VAL_LOSS, VAL_ACCURACY, VAL_PRECISION, VAL_RECALL, VAL_F1);

  /** The results that a metric is computed from. */
  private enum Source {
    TRAINING,
    VALIDATION,
    CONFUSION,
    OUTPUTS
  }

  /** A user-defined metric, computed on the host. */
  @FunctionalInterface
  public interface Function {
    /**
     * Its value over a data set.
     *
     * @param outputs the model's output for each sample, {@code [samples, outputShape...]}: the
     *     values that the loss takes, which are logits for cross-entropy
     * @param data the validation data, in the same order
     */
    double of(float[] outputs, Dataset data);
  }

  /** A user-defined metric over several outputs, computed on the host. */
  @FunctionalInterface
  public interface NamedFunction {
    /**
     * Its value over a data set.
     *
     * @param outputs the model's outputs by name, {@code [samples, ...]} each: the values that the
     *     loss takes
     * @param data the validation data, in the same order
     */
    double of(Map<String, float[]> outputs, Dataset data);
  }

  private final String label;
  private final Source source;
  private final boolean increasing;
  private final @Nullable NamedFunction function;
  private final boolean takesNames;

  private Metric(String label, Source source, boolean increasing) {
    this(label, source, increasing, null, false);
  }

  private Metric(
      String label,
      Source source,
      boolean increasing,
      @Nullable NamedFunction function,
      boolean takesNames) {
    this.label = label;
    this.source = source;
    this.increasing = increasing;
    this.function = function;
    this.takesNames = takesNames;
  }

  /**
   * A user-defined metric, computed after each epoch from the model's outputs for the validation
   * data.
   *
   * @param label its name in records and messages
   * @param increasing whether more is better
   * @param function computes its value; NaN ends a run that selects the best epoch by it
   * @throws IllegalArgumentException if the label is blank or that of a constant
   */
  public static Metric of(String label, boolean increasing, Function function) {
    Objects.requireNonNull(function, "function");
    return own(
        label,
        increasing,
        (outputs, data) -> function.of(outputs.values().iterator().next(), data),
        false);
  }

  /**
   * As above, for a model with several outputs.
   *
   * @throws IllegalArgumentException if the label is blank or that of a constant
   */
  public static Metric ofNamed(String label, boolean increasing, NamedFunction function) {
    Objects.requireNonNull(function, "function");
    return own(label, increasing, function, true);
  }

  private static Metric own(
      String label, boolean increasing, NamedFunction function, boolean takesNames) {
    if (label.isBlank() || labels(true).contains(label)) {
      throw new IllegalArgumentException(
          "a metric of one's own needs a name of its own, not \"" + label + "\"");
    }
    return new Metric(label, Source.OUTPUTS, increasing, function, takesNames);
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
    return source != Source.TRAINING;
  }

  /** Whether it is computed from a {@link Confusion}, which needs class labels as targets. */
  public boolean needsConfusion() {
    return source == Source.CONFUSION;
  }

  /** Whether it is a user-defined metric that takes several outputs by name. */
  public boolean takesNames() {
    return takesNames;
  }

  /** The function of a user-defined metric; empty for the constants. */
  public Optional<NamedFunction> function() {
    return Optional.ofNullable(function);
  }

  /**
   * The constant of that name.
   *
   * @throws IllegalArgumentException if there is none; the message lists the names that exist
   */
  public static Metric named(String label) {
    return BUILT_IN.stream()
        .filter(metric -> metric.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no metric "
                        + label
                        + ": there are "
                        + String.join(", ", labels(true))));
  }

  /** The constants, in order. */
  public static List<Metric> builtIn() {
    return BUILT_IN;
  }

  /** The names of all constants, or of those that need no validation data. */
  public static List<String> labels(boolean validation) {
    return BUILT_IN.stream()
        .filter(metric -> validation || !metric.needsValidation())
        .map(Metric::label)
        .toList();
  }

  /**
   * Whether the epoch has a value of this metric: it has none if all labels were ignored or had
   * weight 0.
   */
  public boolean isMeasured(EpochRecord epoch) {
    return !(needsValidation() ? epoch.validation() : Optional.of(epoch.train()))
        .map(Metrics::isEmpty)
        .orElse(false);
  }

  /**
   * Its value in an epoch; 0 if no row of the data counted.
   *
   * @throws IllegalArgumentException if it was not measured in that epoch
   */
  public double of(EpochRecord epoch) {
    return switch (source) {
      case TRAINING -> of(epoch.train());
      case VALIDATION -> of(measured(epoch.validation(), "validation data"));
      case CONFUSION -> of(measured(epoch.confusion(), "validation data with class labels"));
      case OUTPUTS ->
          measured(Optional.ofNullable(epoch.own().get(label)), "a run that was given it");
    };
  }

  private <T> T measured(Optional<T> value, String need) {
    return value.orElseThrow(
        () -> new IllegalArgumentException(label + " needs " + need + ", but there are none"));
  }

  private double of(Metrics metrics) {
    return increasing ? metrics.accuracy() : metrics.loss();
  }

  private double of(Confusion confusion) {
    if (this == VAL_F1) {
      return confusion.f1();
    }
    return this == VAL_RECALL ? confusion.recall() : confusion.precision();
  }

  /** Whether {@code value} is better than {@code best} by more than {@code delta}. */
  public boolean better(double value, double best, double delta) {
    return increasing ? value > best + delta : value < best - delta;
  }

  /** The worst possible value. */
  public double worst() {
    return increasing ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }

  @Override
  public String toString() {
    return label;
  }
}
