package dev.halfstep.train;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/** The steps of a run: what each was, and the sums over those of the epoch that is trained. */
final class StepLog {
  private static final int FIRST_CAPACITY = 1024;

  private double[] losses = new double[FIRST_CAPACITY];
  private float[] gradientNorms = new float[FIRST_CAPACITY];
  private float[] lossScales = new float[FIRST_CAPACITY];
  private int steps;
  private int epochFirstStep;
  private long updates;
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

  /** Steps without those that were skipped. */
  long updates() {
    return updates;
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
   * Takes in a block.
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
      // One after the other: the sums must not depend on how steps are grouped into blocks.
      lossSum += block.lossSum(i);
      weight += block.weight(i);
      correct += block.correct(i);
      rows += block.rows(i);
      updates += block.skipped(i) ? 0 : 1;
      steps++;
      broken = broken == 0 && !Double.isFinite(block.loss(i)) ? steps : broken;
    }
    return broken;
  }

  private void reserve() {
    if (steps == losses.length) {
      losses = Arrays.copyOf(losses, 2 * steps);
      gradientNorms = Arrays.copyOf(gradientNorms, 2 * steps);
      lossScales = Arrays.copyOf(lossScales, 2 * steps);
    }
  }

  /** The mean loss of each step. */
  double[] losses() {
    return Arrays.copyOf(losses, steps);
  }

  /** The norm of each update's gradient; 0 where it was not measured or the step was skipped. */
  float[] gradientNorms() {
    return Arrays.copyOf(gradientNorms, steps);
  }

  /** The loss scale of each step. */
  float[] lossScales() {
    return Arrays.copyOf(lossScales, steps);
  }

  void write(DataOutput out) throws IOException {
    out.writeInt(steps);
    for (int i = 0; i < steps; i++) {
      out.writeDouble(losses[i]);
      out.writeFloat(gradientNorms[i]);
      out.writeFloat(lossScales[i]);
    }
    out.writeInt(epochFirstStep);
    out.writeLong(updates);
    RunRecords.write(out, metrics());
  }

  void read(DataInput in) throws IOException {
    int count = in.readInt();
    while (losses.length < count) {
      steps = losses.length;
      reserve();
    }
    for (int i = 0; i < count; i++) {
      losses[i] = in.readDouble();
      gradientNorms[i] = in.readFloat();
      lossScales[i] = in.readFloat();
    }
    steps = count;
    epochFirstStep = in.readInt();
    updates = in.readLong();
    Metrics sums = RunRecords.metrics(in);
    lossSum = sums.lossSum();
    weight = sums.weight();
    correct = sums.correct();
    rows = sums.rows();
  }
}
