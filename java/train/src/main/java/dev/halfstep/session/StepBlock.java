package dev.halfstep.session;

import dev.halfstep.metric.Metrics;

/**
 * The records of consecutive steps, in arrays. It does not change until it is passed to {@link
 * TrainingSession#drain(StepBlock)} again.
 *
 * @see StepRecord
 */
public final class StepBlock {
  private long first;
  private int size;
  private final double[] lossSum;
  private final double[] weight;
  private final double[] correct;
  private final double[] rows;
  private final float[] learningRate;
  private final float[] lossScale;
  private final float[] gradientNorm;
  private final boolean[] skipped;

  /**
   * An empty block.
   *
   * @param capacity the most steps that it can hold
   */
  public StepBlock(int capacity) {
    lossSum = new double[capacity];
    weight = new double[capacity];
    correct = new double[capacity];
    rows = new double[capacity];
    learningRate = new float[capacity];
    lossScale = new float[capacity];
    gradientNorm = new float[capacity];
    skipped = new boolean[capacity];
  }

  /** Clears the block for the steps from {@code firstStep} on. */
  void begin(long firstStep, int steps) {
    if (steps > lossSum.length) {
      throw new IllegalArgumentException(
          steps + " steps are to be drained into a block of at most " + lossSum.length);
    }
    first = firstStep;
    size = steps;
  }

  void set(int i, StepRecord record) {
    lossSum[i] = record.lossSum();
    weight[i] = record.weight();
    correct[i] = record.correct();
    rows[i] = record.rows();
    learningRate[i] = record.learningRate();
    lossScale[i] = record.lossScale();
    gradientNorm[i] = record.gradientNorm();
    skipped[i] = record.skipped();
  }

  /** The number of the first step, counted from 0. */
  public long firstStep() {
    return first;
  }

  /** The number of steps. */
  public int size() {
    return size;
  }

  /** Sum of weighted losses of step {@code firstStep + i}. */
  public double lossSum(int i) {
    return lossSum[i];
  }

  /** Sum of the weights. */
  public double weight(int i) {
    return weight[i];
  }

  /** Rows whose largest logit was that of the label. */
  public double correct(int i) {
    return correct[i];
  }

  /** Rows that were not ignored. */
  public double rows(int i) {
    return rows[i];
  }

  /** The weighted mean loss; 0 if all rows were ignored or had weight 0. */
  public double loss(int i) {
    return Metrics.mean(lossSum[i], weight[i]);
  }

  /** The learning rate of the update. */
  public float learningRate(int i) {
    return learningRate[i];
  }

  /** The scale that the gradients were computed with. */
  public float lossScale(int i) {
    return lossScale[i];
  }

  /** The norm of the unscaled gradients before clipping; 0 if it was not measured. */
  public float gradientNorm(int i) {
    return gradientNorm[i];
  }

  /**
   * Whether the update was skipped, because gradients were not finite or a label or index was out
   * of range.
   */
  public boolean skipped(int i) {
    return skipped[i];
  }

  /** The record of step {@code firstStep + i}. */
  public StepRecord record(int i) {
    return new StepRecord(
        first + i,
        lossSum[i],
        weight[i],
        correct[i],
        rows[i],
        learningRate[i],
        lossScale[i],
        gradientNorm[i],
        skipped[i]);
  }

  /** The sums over all these steps. */
  public Metrics metrics() {
    double losses = 0;
    double weights = 0;
    double hits = 0;
    double counted = 0;
    for (int i = 0; i < size(); i++) {
      losses += lossSum[i];
      weights += weight[i];
      hits += correct[i];
      counted += rows[i];
    }
    return new Metrics(losses, weights, hits, counted);
  }
}
