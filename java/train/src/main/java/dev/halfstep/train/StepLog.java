package dev.halfstep.train;

import dev.halfstep.metric.Metrics;
import dev.halfstep.session.StepBlock;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;

/** The steps of a run: a record of each, and the sums over the current epoch. */
final class StepLog {
  private static final int FIRST_CAPACITY = 1024;
  private static final int MOST_STEPS = Integer.MAX_VALUE - 8; // the most elements of a Java array

  private double[] losses = new double[FIRST_CAPACITY];
  private float[] gradientNorms = new float[FIRST_CAPACITY];
  private float[] lossScales = new float[FIRST_CAPACITY];
  private int steps;
  private int epochFirstStep;
  private long updates;
  private float learningRate;
  private double lossSum;
  private double weight;
  private double correct;
  private double rows;

  /** Steps so far, skipped ones included. */
  int steps() {
    return steps;
  }

  /** Steps of this epoch so far. */
  int stepsOfEpoch() {
    return steps - epochFirstStep;
  }

  /** Steps that were not skipped. */
  long updates() {
    return updates;
  }

  /** The mean loss of one step, counted from 0. */
  double loss(int step) {
    return losses[Objects.checkIndex(step, steps)];
  }

  /** The learning rate of the last update; before the first update, that of the next. */
  float learningRate() {
    return learningRate;
  }

  /** The sums over this epoch. */
  Metrics metrics() {
    return new Metrics(lossSum, weight, correct, rows);
  }

  void beginEpoch() {
    epochFirstStep = steps;
    lossSum = 0;
    weight = 0;
    correct = 0;
    rows = 0;
  }

  /**
   * Adds a block of steps.
   *
   * @return the number, counted from 1, of its last step whose loss is not finite; 0 if there is
   *     none
   */
  int add(StepBlock block) {
    int broken = 0;
    for (int i = 0; i < block.size(); i++) {
      reserve();
      losses[steps] = block.loss(i);
      gradientNorms[steps] = block.skipped(i) ? 0 : block.gradientNorm(i);
      lossScales[steps] = block.lossScale(i);
      // Added one by one, so that the sums do not depend on how steps are grouped into blocks.
      lossSum += block.lossSum(i);
      weight += block.weight(i);
      correct += block.correct(i);
      rows += block.rows(i);
      if (!block.skipped(i) || updates == 0) {
        learningRate = block.learningRate(i);
      }
      updates += block.skipped(i) ? 0 : 1;
      steps++;
      broken = broken == 0 && !Double.isFinite(block.loss(i)) ? steps : broken;
    }
    return broken;
  }

  private void reserve() {
    if (steps == losses.length) {
      int capacity = capacityAfter(steps);
      losses = Arrays.copyOf(losses, capacity);
      gradientNorms = Arrays.copyOf(gradientNorms, capacity);
      lossScales = Arrays.copyOf(lossScales, capacity);
    }
  }

  /** The new capacity of a full log of {@code steps} steps. */
  static int capacityAfter(int steps) {
    if (steps >= MOST_STEPS) {
      throw new IllegalStateException(
          "a run has at most " + MOST_STEPS + " steps: take larger batches, or a second run");
    }
    return (int) Math.min(2L * steps, MOST_STEPS);
  }

  /** The mean loss of each step. */
  double[] losses() {
    return Arrays.copyOf(losses, steps);
  }

  /** The norm of each step's gradient; 0 if it was not measured or the step was skipped. */
  float[] gradientNorms() {
    return Arrays.copyOf(gradientNorms, steps);
  }

  /** The loss scale of each step. */
  float[] lossScales() {
    return Arrays.copyOf(lossScales, steps);
  }

  /** Writes everything except the arrays, which {@link #losses} and the others return. */
  void write(DataOutput out) throws IOException {
    out.writeInt(epochFirstStep);
    out.writeLong(updates);
    out.writeFloat(learningRate);
    RunRecords.write(out, metrics());
  }

  /** Restores what another log has written; the arrays are copied. */
  void read(RunInput in, double[] losses, float[] gradientNorms, float[] lossScales)
      throws IOException {
    steps = losses.length;
    if (gradientNorms.length != steps || lossScales.length != steps) {
      throw new IOException(
          "it has losses of "
              + steps
              + " steps, gradient norms of "
              + gradientNorms.length
              + " and loss scales of "
              + lossScales.length);
    }
    this.losses = Arrays.copyOf(losses, Math.max(steps, FIRST_CAPACITY));
    this.gradientNorms = Arrays.copyOf(gradientNorms, Math.max(steps, FIRST_CAPACITY));
    this.lossScales = Arrays.copyOf(lossScales, Math.max(steps, FIRST_CAPACITY));
    epochFirstStep = in.number("the epoch's first step", 0, steps);
    updates = in.longNumber("the number of updates", 0, steps);
    learningRate = in.readFloat();
    Metrics sums = RunRecords.metrics(in);
    lossSum = sums.lossSum();
    weight = sums.weight();
    correct = sums.correct();
    rows = sums.rows();
  }
}
