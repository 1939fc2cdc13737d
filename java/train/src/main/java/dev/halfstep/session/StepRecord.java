package dev.halfstep.session;

import dev.halfstep.metric.Metrics;

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
 * @param skipped whether nothing was updated, because gradients were not finite or a label or index
 *     lay outside its range
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
  /** The weighted mean loss; 0 where all rows were ignored or of weight 0. */
  public double loss() {
    return Metrics.mean(lossSum, weight);
  }

  /** The share of rows that were classified rightly, in [0, 1]; 0 of no rows. */
  public double accuracy() {
    return Metrics.mean(correct, rows);
  }
}
