package dev.halfstep.benchmarks.compare;

import java.util.List;
import java.util.Locale;

/** Statistics of repeated measurements. */
final class Statistics {
  private static final double CONFIDENCE = 0.95;

  private Statistics() {}

  /** The median; of an even number of values the mean of the middle two. */
  static double median(List<Double> values) {
    double[] sorted = sorted(values);
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  /**
   * A median, and the interval that holds the true one with a probability of at least 95 %.
   *
   * @param count of the values; with fewer than 6 no interval reaches 95 %, and the range of the
   *     values is given
   */
  record Estimate(double median, double low, double high, int count) {
    /** Whether the interval reaches 95 %. */
    boolean isSure() {
      return count >= 6;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.2f [%.2f, %.2f]", median, low, high);
    }
  }

  /**
   * The median of independent values with the interval between their order statistics k and n + 1 -
   * k, which assumes nothing of their distribution: it misses the true median with the probability
   * that fewer than k of n fair coins show heads, twice.
   */
  static Estimate estimate(List<Double> values) {
    double[] sorted = sorted(values);
    int n = sorted.length;
    int k = 0;
    double coins = Math.pow(0.5, n); // that exactly k of n coins show heads
    double missed = 2 * coins;
    while (missed <= 1 - CONFIDENCE) {
      k++;
      coins *= (double) (n - k + 1) / k;
      missed += 2 * coins;
    }
    int low = Math.max(0, k - 1);
    return new Estimate(median(values), sorted[low], sorted[n - 1 - low], n);
  }

  private static double[] sorted(List<Double> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException("there is no median of no values");
    }
    return values.stream().mapToDouble(x -> x).sorted().toArray();
  }
}
