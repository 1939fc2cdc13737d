package dev.halfstep.cli;

import dev.halfstep.report.Json;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Compares predictions with the targets of the rows that have one. */
final class PredictionScore {
  private int rows;
  private int correct;
  private boolean numbers;
  private double squaredErrors;
  private double mean;
  private double squaredDistances;

  void addClass(int predicted, int label) {
    rows++;
    correct += predicted == label ? 1 : 0;
  }

  void addNumber(double predicted, double value) {
    numbers = true;
    rows++;
    squaredErrors += (predicted - value) * (predicted - value);
    double distance = value - mean; // Welford
    mean += distance / rows;
    squaredDistances += distance * (value - mean);
  }

  /** The number of predictions that equal the label; null without labels, and for numbers. */
  @Nullable Integer correct() {
    return rows == 0 || numbers ? null : (Integer) correct;
  }

  /** The share of correct predictions among the rows that have a label. */
  @Nullable Double accuracy() {
    return rows == 0 || numbers ? null : (Double) ((double) correct / rows);
  }

  /** The root of the mean squared error of numbers; null without targets, and for classes. */
  @Nullable Double rmse() {
    return numbers ? Json.number(Math.sqrt(squaredErrors / rows)) : null;
  }

  /** The share of the numbers' variance that the model explains. */
  @Nullable Double r2() {
    return numbers ? Json.number(1 - squaredErrors / squaredDistances) : null;
  }

  /** A line for people; empty without targets. */
  String described() {
    if (rows == 0) {
      return "";
    }
    return numbers
        ? String.format(
            Locale.ROOT,
            "RMSE %.4g, R2 %.3f (%,d rows)%n",
            Math.sqrt(squaredErrors / rows),
            1 - squaredErrors / squaredDistances,
            rows)
        : String.format(
            Locale.ROOT, "accuracy %.2f %% (%,d of %,d)%n", 100.0 * correct / rows, correct, rows);
  }
}
