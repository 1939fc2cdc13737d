package dev.halfstep.data;

import java.util.List;
import java.util.Objects;

/**
 * What is to be said of the rows of a CSV file: a class, or a number.
 *
 * @param name of its column
 * @param classes names of the classes, in the order of the labels; empty for numbers
 * @param mean of the numbers in the rows that are trained on; targets are standardised: {@code (y -
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

  /** What a model's output means, in the target's own units. */
  public double value(double output) {
    return mean + std * output;
  }

  /** The outputs of a model: one a class, or one. */
  public int outputs() {
    return Math.max(1, classes.size());
  }
}
