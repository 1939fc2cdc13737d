package dev.halfstep.train;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import java.util.List;

/**
 * A run in progress, as a {@link Callback} sees it: where it is, what it gave so far, and how to
 * end or change it.
 *
 * <p>What a callback changes with {@link #rateFactor(double)} and {@link #batchSize(int)} holds
 * from the next step on until it is changed again. It is in {@link #changes} and in the
 * checkpoints, so that a resumed run ends with the same bits. A callback that takes its decisions
 * from what this interface gives, and keeps nothing of its own from one call to the next, decides
 * alike in a resumed run.
 */
public interface Fit {
  /** What was planned before the run began. */
  TrainingPlan plan();

  /** The epoch that is trained now or was trained last, counted from 1; 0 before the first. */
  int epoch();

  /** Samples of a full step now. */
  int batchSize();

  /** Samples of this epoch that were trained on. */
  int sample();

  /** Samples of the whole run that were trained on. */
  long samples();

  /** Steps of the whole run so far, skipped ones included. */
  int steps();

  /** Steps of this epoch so far, skipped ones included. */
  int stepsOfEpoch();

  /** Updates performed so far: steps without those that were skipped. */
  long updates();

  /** What the steps of this epoch gave so far, weighted by samples. */
  Metrics metrics();

  /**
   * The mean loss of a step's batch, as {@link History#stepLosses} has it; those before a resumed
   * run's checkpoint are there too.
   *
   * @param step counts from 0
   * @throws IndexOutOfBoundsException unless it is in [0, {@link #steps})
   */
  double stepLoss(int step);

  /** The complete epochs so far. */
  List<EpochRecord> epochs();

  /** The best epoch so far, as {@link History#bestEpoch} defines it; 0 for none. */
  int bestEpoch();

  /**
   * Wall time of the run so far in seconds, which is what {@link Budget#seconds} bounds: from just
   * before {@link Callback#fitBegin}, with the time up to the checkpoint that the run goes on from.
   */
  double seconds();

  /** What {@link Plateau} has come to multiply the learning rate by. */
  double plateauMultiplier();

  /** What callbacks have come to multiply the learning rate by; 1 at first. */
  double rateFactor();

  /** What callbacks have changed so far, in order. */
  List<RunChange> changes();

  /**
   * Ends the run at the next chance: after this block of steps. The best weights are restored and
   * test data evaluated as at a run's regular end. The first reason given is the one that counts.
   */
  void stop(String reason);

  /**
   * Multiplies the learning rate of the updates that follow by this factor, on top of what the
   * schedule and {@link Plateau} say. It takes the place of the factor before: {@code
   * fit.rateFactor(fit.rateFactor() / 2)} halves the rate.
   *
   * @param factor a finite number of at least 0
   * @throws IllegalArgumentException if it is not
   * @throws IllegalStateException if it is called elsewhere than in {@link Callback#stepsEnd} or
   *     {@link Callback#epochEnd}
   */
  void rateFactor(double factor);

  /**
   * Makes steps of this many samples from the next one on, in this epoch and the following ones,
   * whatever a {@link BatchSchedule} or {@link ResponsiveBatch} says. The learning rate follows by
   * {@link TrainerBuilder#scaling}.
   *
   * @param samples 1 to {@code plan().largestBatch()}, which {@link TrainerBuilder#largestBatch}
   *     can raise
   * @throws IllegalArgumentException if it is not, or a short last batch of one sample would remain
   *     that a layer cannot train on; nothing has changed then
   * @throws IllegalStateException if it is called elsewhere than in {@link Callback#stepsEnd} or
   *     {@link Callback#epochEnd}
   */
  void batchSize(int samples);
}
