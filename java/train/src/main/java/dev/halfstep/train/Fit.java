package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import java.util.List;

/**
 * A run in progress, as a {@link Callback} sees it: its position, its results so far, and methods
 * to end or change it.
 *
 * <p>Changes with {@link #rateFactor(double)} and {@link #batchSize(int)} hold from the next step
 * until the next change. They are recorded in {@link #changes} and in the checkpoints, so that a
 * resumed run ends with the same bits. A callback that decides only from the values of this
 * interface, without own state between calls, makes the same decisions in a resumed run.
 */
public interface Fit {
  /** The plan of the run, made before it began. */
  TrainingPlan plan();

  /** The current or last epoch, counted from 1; 0 before the first. */
  int epoch();

  /** Samples of a full step at present. */
  int batchSize();

  /** Samples of this epoch that were trained on. */
  int sample();

  /** Samples of the whole run that were trained on. */
  long samples();

  /** Steps of the whole run so far, skipped ones included. */
  int steps();

  /** Steps of this epoch so far, skipped ones included. */
  int stepsOfEpoch();

  /** Updates performed so far: steps that were not skipped. */
  long updates();

  /** The metrics over the steps of this epoch so far, weighted by samples. */
  Metrics metrics();

  /**
   * The mean loss of a step's batch, as in {@link History#stepLosses}; includes the steps before a
   * resumed run's checkpoint.
   *
   * @param step the number of the step, counted from 0
   * @throws IndexOutOfBoundsException unless it is in [0, {@link #steps})
   */
  double stepLoss(int step);

  /** The complete epochs so far. */
  List<EpochRecord> epochs();

  /** The best epoch so far, as {@link History#bestEpoch} defines it; 0 if there is none. */
  int bestEpoch();

  /**
   * Wall time of the run so far in seconds, which {@link Budget#seconds} bounds: counted from just
   * before {@link Callback#fitBegin}, including the time up to the checkpoint of a resumed run.
   */
  double seconds();

  /** The factor by which {@link Plateau} multiplies the learning rate at present. */
  double plateauMultiplier();

  /** The factor by which callbacks multiply the learning rate at present; 1 at first. */
  double rateFactor();

  /** The changes by callbacks so far, in order. */
  List<RunChange> changes();

  /**
   * Ends the run after this block of steps. The best weights are restored and test data evaluated
   * as at a run's regular end. If it is called again, the first reason counts.
   */
  void stop(String reason);

  /**
   * Multiplies the learning rate of the updates that follow by this factor, in addition to the
   * schedule and {@link Plateau}. It replaces the previous factor: {@code
   * fit.rateFactor(fit.rateFactor() / 2)} halves the rate.
   *
   * @param factor a finite number of at least 0
   * @throws IllegalArgumentException if it is negative or not finite
   * @throws IllegalStateException if it is called outside {@link Callback#stepsEnd} and {@link
   *     Callback#epochEnd}
   */
  void rateFactor(double factor);

  /**
   * Sets the number of samples of a step from the next one on, in this epoch and the following
   * ones; it overrides a {@link BatchSchedule} or {@link ResponsiveBatch}. {@link
   * TrainerBuilder#scaling} adapts the learning rate.
   *
   * @param samples 1 to {@code plan().largestBatch()}, which {@link TrainerBuilder#largestBatch}
   *     can raise
   * @throws IllegalArgumentException if it is out of this range, or a last batch of one sample
   *     would remain that a layer cannot train on; nothing has changed then
   * @throws IllegalStateException if it is called outside {@link Callback#stepsEnd} and {@link
   *     Callback#epochEnd}
   */
  void batchSize(int samples);
}
