package dev.halfstep.study;

import java.util.Locale;

/**
 * A mistake that the {@link Advisor} found.
 *
 * @param code the mistake, for programs
 * @param severity how serious it is
 * @param evidence the numbers that show it
 * @param advice what to do
 */
public record Finding(Code code, Severity severity, String evidence, String advice) {
  /** A finding whose evidence is a format with its values. */
  static Finding of(
      Code code, Severity severity, String evidence, String advice, Object... values) {
    return new Finding(code, severity, String.format(Locale.ROOT, evidence, values), advice);
  }

  /** How serious a finding is. */
  public enum Severity {
    /** Worth considering. */
    NOTE,
    /** The run is worse than it could be. */
    WARNING,
    /** The run fails, or learns nothing. */
    ERROR
  }

  /** The known mistakes. */
  public enum Code {
    SHORT_LAST_BATCH,
    SMALL_BATCH_NORM,
    NOT_SHUFFLED,
    BATCH_WITHOUT_RATE,
    NO_VALIDATION,
    BATCH_OF_ONE,
    BATCH_OVER_DATA,
    HIGH_RATE_SMALL_BATCH,
    WINDOW_OVER_EPOCH,
    GRADIENTS_ZERO,
    GRADIENTS_VANISHING,
    GRADIENTS_EXPLODING,
    GRADIENTS_NOT_FINITE,
    OSCILLATING_LOSS,
    FLAT_LOSS,
    OVERFITTING,
    STILL_IMPROVING,
    LOSS_SCALE_COLLAPSING,
    SLOW_LOADER,
    BATCH_UNDER_NOISE,
    BATCH_OVER_NOISE,
    BATCH_SMALL,
    BATCH_LARGE,
    BATCH_OVER_MEMORY,
    HIGH_RATE,
    AT_CHANCE,
    EPOCHS_UNUSUAL,
    CLASSES_NOT_TRAINED,
    PARTS_DIFFER,
    /**
     * This code and the following ones are doubts about a CSV file: {@link
     * dev.halfstep.data.CsvDoubt}.
     */
    FIRST_LINE,
    ROW_NUMBER,
    LABEL_AMONG_FEATURES,
    NAME_OR_PLACE,
    MANY_CLASSES,
    FAR_VALUES,
    UNKNOWN_CATEGORY
  }
}
