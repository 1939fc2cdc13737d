package dev.halfstep.data;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * How a feature column of a CSV file becomes inputs of a model. A column of numbers is one input:
 * {@code (x - mean) / std}, limited to [-10, 10]. A column of texts is one input for each category:
 * 1 for the row's category, 0 for the others; all are 0 for an unknown text.
 *
 * @param name of the column
 * @param categories the texts of a column of texts, in the order of the inputs, with "" for a
 *     missing value; empty for a column of numbers
 * @param mean the mean of the numbers in the training rows
 * @param std their (biased) deviation, but at least a tenth of their range, so that no training
 *     value is limited; 1 if all are equal
 * @param fill the number that replaces a missing one, if the schema says that missing values are
 *     filled
 */
public record CsvColumn(
    String name, List<String> categories, double mean, double std, double fill) {
  /** The largest distance of an input from the mean, in deviations; inputs are limited to it. */
  static final double LIMIT = 10;

  /** Copies the categories. */
  public CsvColumn {
    Objects.requireNonNull(name, "name");
    categories = List.copyOf(categories);
    if (!Double.isFinite(mean) || !Double.isFinite(fill) || !(std > 0) || Double.isInfinite(std)) {
      throw new IllegalArgumentException(
          "a column needs a finite mean and fill and a deviation above 0, not "
              + mean
              + ", "
              + fill
              + " and "
              + std);
    }
  }

  /** A column of texts. */
  static CsvColumn ofTexts(String name, List<String> categories) {
    return new CsvColumn(name, categories, 0, 1, 0);
  }

  /** A column with these numbers in the training rows; there is at least one. */
  static CsvColumn ofNumbers(String name, double[] numbers, boolean median) {
    double first = numbers[0];
    double sum = 0;
    double least = first;
    double most = first;
    for (double x : numbers) {
      sum += x - first; // keeps the digits of large numbers
      least = Math.min(least, x);
      most = Math.max(most, x);
    }
    double mean = least == most ? first : first + sum / numbers.length;
    double squares = 0;
    for (double x : numbers) {
      squares += (x - mean) * (x - mean);
    }
    double std = Math.max(Math.sqrt(squares / numbers.length), (most - least) / LIMIT);
    return new CsvColumn(name, List.of(), mean, std > 0 ? std : 1, median ? median(numbers) : mean);
  }

  private static double median(double[] numbers) {
    double[] sorted = numbers.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Whether it holds texts. */
  boolean ofTexts() {
    return !categories.isEmpty();
  }

  /** The number of the model's inputs that it becomes. */
  public int inputs() {
    return Math.max(1, categories.size());
  }
}
