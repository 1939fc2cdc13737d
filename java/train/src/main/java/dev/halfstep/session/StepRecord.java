package dev.halfstep.session;

import dev.halfstep.metric.Metrics;

/**
 * The record of one training step.
 *
 * @param step the number of the step, counted from 0
 * @param lossSum sum of weighted losses before the update
 * @param weight sum of the weights
 * @param correct rows whose largest logit was that of the label
 * @param rows rows that were not ignored
 * @param learningRate the rate of its update
 * @param lossScale the scale that its gradients were computed with
 * @param gradientNorm the norm of the unscaled gradients before clipping; 0 if it was not measured
 * @param skipped whether the update was skipped, because gradients were not finite or a label or
 *     index was out of range
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
  /** The weighted mean loss; 0 if all rows were ignored or had weight 0. */
  public double loss() {
    return Metrics.mean(lossSum, weight);
  }

  /** The share of correctly classified rows, in [0, 1]; 0 without rows. */
  public double accuracy() {
    return Metrics.mean(correct, rows);
  }
}
