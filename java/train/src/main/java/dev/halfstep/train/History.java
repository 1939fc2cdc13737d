package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.TrainingSession;
import java.util.List;
import java.util.Optional;

/** The history of a run: its epochs, its steps, its best epoch and its end. Immutable. */
public final class History {
  private final List<EpochRecord> epochs;
  private final List<RunChange> changes;
  private final double[] stepLosses;
  private final float[] gradientNorms;
  private final float[] lossScales;
  private final List<WeightTrace> traces;
  private final int bestEpoch;
  private final Optional<Metrics> test;
  private final StopReason stopReason;
  private final double seconds;
  private final double waiting;

  History(
      Fit fit,
      StepLog log,
      List<WeightTrace> traces,
      Optional<Metrics> test,
      StopReason stopReason,
      double waiting) {
    this.epochs = List.copyOf(fit.epochs());
    this.changes = List.copyOf(fit.changes());
    this.stepLosses = log.losses();
    this.gradientNorms = log.gradientNorms();
    this.lossScales = log.lossScales();
    this.traces = List.copyOf(traces);
    this.bestEpoch = fit.bestEpoch();
    this.test = test;
    this.stopReason = stopReason;
    this.seconds = fit.seconds();
    this.waiting = waiting;
  }

  /** The complete epochs, in order. */
  public List<EpochRecord> epochs() {
    return epochs;
  }

  /**
   * The mean loss of each step's batch, in order, including an incomplete last epoch; 0 if all rows
   * of a batch were ignored or had weight 0.
   */
  public double[] stepLosses() {
    return stepLosses.clone();
  }

  /**
   * The norm of each step's gradient, unscaled and before clipping; 0 if it was not measured
   * ({@link SessionBuilder#gradientNorm}, clipping and loss scaling measure it) or the step was
   * skipped.
   */
  public float[] gradientNorms() {
    return gradientNorms.clone();
  }

  /** The loss scale of each step; 1 without loss scaling. */
  public float[] lossScales() {
    return lossScales.clone();
  }

  /** The traces of the weights that {@link TrainerBuilder#trace} names. */
  public List<WeightTrace> traces() {
    return traces;
  }

  /** All changes by callbacks: {@link Fit#rateFactor(double)}, {@link Fit#batchSize(int)}. */
  public List<RunChange> changes() {
    return changes;
  }

  /**
   * The epoch whose weights the model has, counted from 1: the best by the metric that {@link
   * TrainerBuilder#monitor} or early stopping names; the first of equal ones. 0 if no epoch was
   * completed, or no row counted in any; the model then has the last weights, or the initial ones
   * if there was no step.
   */
  public int bestEpoch() {
    return bestEpoch;
  }

  /**
   * The metrics of the test data with the weights of the best epoch, if there are test data and the
   * run was not interrupted.
   */
  public Optional<Metrics> test() {
    return test;
  }

  /** Why the run ended. */
  public StopReason stopReason() {
    return stopReason;
  }

  /** Wall time of the run in seconds, as {@link Fit#seconds} counts it, including the test. */
  public double seconds() {
    return seconds;
  }

  /**
   * The share of the time in which the device waited for data, in [0, 1], as {@link
   * TrainingSession#waiting} defines it; 0 if they are on the device. For a resumed run it counts
   * from its checkpoint.
   */
  public double waiting() {
    return waiting;
  }
}
