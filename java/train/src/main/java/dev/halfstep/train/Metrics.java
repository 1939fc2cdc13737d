package dev.halfstep.train;

/**
 * Sums over the samples of a data set. They add up exactly, also over batches of different sizes.
 *
 * @param lossSum sum of weighted losses
 * @param weight sum of the weights; the number of rows where classes have no weights
 * @param correct rows whose largest logit is the label's
 * @param rows rows that were not ignored
 */
public record Metrics(double lossSum, double weight, double correct, double rows) {
  /** The weighted mean loss. */
  public double loss() {
    return lossSum / weight;
  }

  /** The share of rows that were classified rightly, in [0, 1]. */
  public double accuracy() {
    return correct / rows;
  }
}
