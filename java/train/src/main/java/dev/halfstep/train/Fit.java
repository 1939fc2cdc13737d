package dev.halfstep.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run in progress: everything that changes while {@link Trainer#fit} goes on and does not lie on
 * the device, in one place. Callbacks read it, and end the run with {@link #stop}.
 */
public final class Fit {
  private final TrainingPlan plan;
  private final long begin = System.nanoTime();
  private final List<EpochRecord> epochs = new ArrayList<>();
  private double[] stepLosses = new double[1024];
  private int steps;
  private long updates;
  private int epoch;
  private int sample;
  private double lossSum;
  private double weight;
  private double correct;
  private double rows;
  private int bestEpoch;
  private double bestLoss = Double.POSITIVE_INFINITY;
  private float @Nullable [] bestWeights;
  private Optional<StopReason> stop = Optional.empty();

  Fit(TrainingPlan plan) {
    this.plan = plan;
  }

  /** What was planned before the run began. */
  public TrainingPlan plan() {
    return plan;
  }

  /** The epoch that is trained now or was trained last, counted from 1; 0 before the first. */
  public int epoch() {
    return epoch;
  }

  /** Samples of this epoch that were trained on. */
  public int sample() {
    return sample;
  }

  /** Steps of the whole run so far, skipped ones included. */
  public int steps() {
    return steps;
  }

  /** Updates performed so far: steps without those that were skipped. */
  public long updates() {
    return updates;
  }

  /** What the steps of this epoch gave so far, weighted by samples. */
  public Metrics metrics() {
    return new Metrics(lossSum, weight, correct, rows);
  }

  /** The complete epochs so far. */
  public List<EpochRecord> epochs() {
    return Collections.unmodifiableList(epochs);
  }

  /** The best epoch so far, as {@link History#bestEpoch} defines it; 0 for none. */
  public int bestEpoch() {
    return bestEpoch;
  }

  /** Wall time since the run began, in seconds. */
  public double seconds() {
    return (System.nanoTime() - begin) * 1e-9;
  }

  /**
   * Ends the run at the next chance: after this block of steps. The best weights are restored and
   * test data evaluated as at a run's regular end. The first reason given is the one that counts.
   */
  public void stop(String reason) {
    stop(new StopReason(StopReason.Kind.STOPPED, reason));
  }

  void stop(StopReason reason) {
    if (stop.isEmpty()) {
      stop = Optional.of(reason);
    }
  }

  boolean stopped() {
    return stop.isPresent();
  }

  void beginEpoch() {
    epoch++;
    sample = 0;
    lossSum = 0;
    weight = 0;
    correct = 0;
    rows = 0;
  }

  /** Takes in a block of steps; a loss that is not finite ends the run. */
  void endSteps(StepBlock block, int samples) {
    for (int i = 0; i < block.size(); i++) {
      double loss = block.loss(i);
      if (steps == stepLosses.length) {
        stepLosses = Arrays.copyOf(stepLosses, 2 * steps);
      }
      stepLosses[steps++] = loss;
      // One after the other: the sums must not depend on how steps are grouped into blocks.
      lossSum += block.lossSum(i);
      weight += block.weight(i);
      correct += block.correct(i);
      rows += block.rows(i);
      updates += block.skipped(i) ? 0 : 1;
      if (!Double.isFinite(loss)) {
        stop(
            notFinite(
                "the training loss became "
                    + loss
                    + " in step "
                    + steps
                    + " (epoch "
                    + epoch
                    + ")"));
      }
    }
    sample += samples;
  }

  /** Takes in a complete epoch; true if it is the best so far. */
  boolean endEpoch(EpochRecord record) {
    epochs.add(record);
    double loss = record.monitoredLoss();
    if (!Double.isFinite(loss)) {
      stop(notFinite("the validation loss became " + loss + " in epoch " + epoch));
    }
    boolean better = loss < bestLoss;
    if (better) {
      bestEpoch = epoch;
      bestLoss = loss;
    }
    return better;
  }

  private static StopReason notFinite(String what) {
    return new StopReason(
        StopReason.Kind.NOT_FINITE, what + ": a lower learning rate may prevent it");
  }

  void keepWeights(float[] weights) {
    bestWeights = weights;
  }

  Optional<float[]> bestWeights() {
    return Optional.ofNullable(bestWeights);
  }

  History history(Optional<Metrics> test) {
    StopReason completed = new StopReason(StopReason.Kind.COMPLETED, "completed");
    return new History(
        epochs,
        Arrays.copyOf(stepLosses, steps),
        bestEpoch,
        test,
        stop.orElse(completed),
        seconds());
  }
}
