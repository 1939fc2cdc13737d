package dev.halfstep.train;

/**
 * What one training step was and gave.
 *
 * @param step counts from 0
 * @param lossSum sum of weighted losses before the update
 * @param weight sum of the weights
 * @param correct rows whose largest logit was the label's
 * @param rows rows that were not ignored
 * @param learningRate the rate of its update
 * @param lossScale the scale that its gradients were computed with
 * @param gradientNorm of the unscaled gradients before clipping; 0 where it was not measured
 * @param skipped whether its gradients were not finite, so that nothing was updated
 */
public record StepRecord(
    long step,
    double lossSum,
    double weight,
    double correct,
    double rows,
    float learningRate,
    float lossScale,
    float gradientNorm,
    boolean skipped) {
  /** The weighted mean loss. */
  public double loss() {
    return lossSum / weight;
  }

  /** The share of rows that were classified rightly, in [0, 1]. */
  public double accuracy() {
    return correct / rows;
  }
}
