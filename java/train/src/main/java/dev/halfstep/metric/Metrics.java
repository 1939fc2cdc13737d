package dev.halfstep.metric;

/**
 * Sums over the samples of a data set. They add up exactly, also over batches of different sizes.
 *
 * @param lossSum sum of weighted losses
 * @param weight sum of the weights; the number of rows where classes have no weights
 * @param correct rows whose largest logit is the label's
 * @param rows rows that were not ignored
 */
public record Metrics(double lossSum, double weight, double correct, double rows) {
  /** The weighted mean loss; 0 where {@linkplain #isEmpty nothing counted}. */
  public double loss() {
    return mean(lossSum, weight);
  }

  /** The share of rows that were classified rightly, in [0, 1]; 0 of no rows. */
  public double accuracy() {
    return mean(correct, rows);
  }

  /**
   * Whether no row counted, since all labels were ignored or of weight 0: then there is nothing to
   * judge by.
   */
  public boolean isEmpty() {
    return weight == 0 && lossSum == 0;
  }

  /** The mean, 0 if it is that of nothing; a sum that is NaN stays NaN. */
  public static double mean(double sum, double weight) {
    return weight == 0 && sum == 0 ? 0 : sum / weight;
  }
}
