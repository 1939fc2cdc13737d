package dev.halfstep.data;

import java.util.List;
import java.util.Objects;

/**
 * What a model predicts for the rows of a CSV file: a class, or a number.
 *
 * @param name of its column
 * @param classes names of the classes, in the order of the labels; empty for numbers
 * @param mean the mean of the numbers in the training rows; targets are standardised: {@code (y -
 *     mean) / std}
 * @param std their (biased) deviation
 */
public record CsvTarget(String name, List<String> classes, double mean, double std) {
  /** Copies the classes. */
  public CsvTarget {
    Objects.requireNonNull(name, "name");
    classes = List.copyOf(classes);
    if (!Double.isFinite(mean) || !(std > 0) || Double.isInfinite(std)) {
      throw new IllegalArgumentException(
          "a target needs a finite mean and a deviation above 0, not " + mean + " and " + std);
    }
  }

  /** Whether numbers are predicted, and not classes. */
  public boolean ofNumbers() {
    return classes.isEmpty();
  }

  /** Converts a model's output to the target's units. */
  public double value(double output) {
    return mean + std * output;
  }

  /** The number of a model's outputs: one per class, or one for a number. */
  public int outputs() {
    return Math.max(1, classes.size());
  }
}
