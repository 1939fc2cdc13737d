package dev.halfstep.data;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * How a feature column of a CSV file becomes inputs of a model. A column of numbers is one input:
 * {@code (x - mean) / std}, limited to [-10, 10]. A column of texts is one input for each category:
 * 1 for the row's own, 0 for the others; all are 0 for a text that is none of them.
 *
 * @param name of the column
 * @param categories of a column of texts, in the order of the inputs, "" standing for a missing
 *     value; empty for a column of numbers
 * @param mean of the numbers in the rows that were trained on
 * @param std their (biased) deviation, but at least a tenth of their range, so that none of them
 *     lies further than 10 from the mean however rare it is; 1 where all are equal
 * @param fill what stands for a missing number, if the schema says that missing values are filled
 */
public record CsvColumn(
    String name, List<String> categories, double mean, double std, double fill) {
  /** How many deviations from the mean inputs may lie. */
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

  /** A column with these numbers in the rows that are trained on, at least one. */
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

  /** How many inputs of the model it becomes. */
  public int inputs() {
    return Math.max(1, categories.size());
  }
}
