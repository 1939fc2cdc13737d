package dev.halfstep.metric;

/**
 * Sums over the samples of a data set. They add up exactly, also over batches of different sizes.
 *
 * @param lossSum sum of weighted losses
 * @param weight sum of the weights; the number of rows if classes have no weights
 * @param correct rows whose largest logit is the label's
 * @param rows rows that were not ignored
 */
public record Metrics(double lossSum, double weight, double correct, double rows) {
  /** The weighted mean loss; 0 where {@linkplain #isEmpty nothing counted}. */
  public double loss() {
    return mean(lossSum, weight);
  }

  /** The share of rows that were classified correctly, in [0, 1]; 0 without rows. */
  public double accuracy() {
    return mean(correct, rows);
  }

  /** Whether no row counted, because all labels were ignored or had weight 0. */
  public boolean isEmpty() {
    return weight == 0 && lossSum == 0;
  }

  /** sum / weight, or 0 if both are 0. */
  public static double mean(double sum, double weight) {
    return weight == 0 && sum == 0 ? 0 : sum / weight;
  }
}
