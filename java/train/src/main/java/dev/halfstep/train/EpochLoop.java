package dev.halfstep.train;

import dev.halfstep.HalfstepException;
import dev.halfstep.data.Order;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The loop of a run: epochs of blocks of steps, each followed by its callbacks and checkpoints. */
final class EpochLoop {
  private final TrainerOptions options;
  private final TrainingPlan plan;
  private final FitState fit;
  private final TrainingSession session;
  private final @Nullable CheckpointWriter checkpoints;
  private final EpochEnd epochEnd;
  private final StepBlock steps;

  /**
   * A loop that continues the run from its current state.
   *
   * @param checkpoints the writer; null if the run writes none
   */
  EpochLoop(
      TrainerOptions options,
      FitState fit,
      TrainingSession session,
      @Nullable CheckpointWriter checkpoints) {
    this.options = options;
    this.plan = fit.plan();
    this.fit = fit;
    this.session = session;
    this.checkpoints = checkpoints;
    epochEnd = new EpochEnd(options, fit, session);
    steps = new StepBlock(options.syncEvery + 1);
  }

  /** Trains to the run's end, restores the best weights and evaluates the test data. */
  History run() {
    fit.trace(session);
    tell(callback -> callback.fitBegin(fit));
    int[] order = new int[options.train.size()];
    boolean complete = true;
    while (complete && (fit.isEpochOpen() || fit.goesOn())) {
      if (!fit.isEpochOpen()) {
        fit.beginEpoch();
      }
      tell(callback -> callback.epochBegin(fit));
      Order.fill(options.session.seed(), fit.epoch() - 1, order);
      session.order(order);
      session.position(fit.sample());
      complete = trainEpoch();
    }
    if (fit.isBrokenOff() && fit.steps() > 0) {
      save();
    }
    fit.weights.best().ifPresent(session::weights);
    session.store();
    History history = fit.history(test(), session.waiting());
    tell(callback -> callback.fitEnd(fit, history));
    return history;
  }

  /** The metrics of the test data, if there are any and the thread is not interrupted. */
  private Optional<Metrics> test() {
    try {
      return options.test.map(session::evaluate);
    } catch (CancellationException interrupted) {
      fit.lookAtClock();
      return Optional.empty();
    }
  }

  private void tell(Consumer<Callback> what) {
    options.callbacks.forEach(what);
  }

  private void save() {
    if (checkpoints != null) {
      checkpoints.save(session, fit);
    }
  }

  /**
   * Trains one epoch in the session's order of the samples.
   *
   * @return whether the epoch has a record. It has none, and is the last, if it is stopped,
   *     interrupted or diverges, or if the time was over before its first step
   */
  private boolean trainEpoch() {
    double begin = fit.seconds();
    fit.lookAtClock();
    while (!fit.stopped() && !fit.isSpent() && fit.isInEpoch()) {
      trainBlock();
      fit.lookAtClock();
    }
    boolean ended = !fit.isInEpoch() || (fit.isSpent() && !fit.stopped());
    if (!ended || fit.stepsOfEpoch() == 0 || !Double.isFinite(fit.metrics().loss())) {
      return false;
    }
    Optional<EpochRecord> record = epochEnd.record(fit.seconds() - begin);
    record.ifPresent(epoch -> fit.tell(() -> tell(callback -> callback.epochEnd(fit, epoch))));
    return record.isPresent();
  }

  /** Trains at most {@code syncEvery} steps, up to the end of the epoch or of the budget. */
  private void trainBlock() {
    int batchSize = fit.batchSize();
    int left = fit.samplesLeft();
    long inBudget = plan.updatesLeft(fit.updates(), fit.samples(), batchSize);
    int most = (int) Math.min(options.syncEvery, inBudget);
    most = Math.min(most, updatesToCheckpoint());
    int full = Math.min(most, left / batchSize);
    int shortRows = full < most ? left - full * batchSize : 0;
    setRates(full + (shortRows > 0 ? 1 : 0));
    if (full > 0) {
      session.run(batchSize, full);
    }
    if (shortRows > 0) {
      session.runShort(shortRows);
    }
    drain();
    boolean due = updatesToCheckpoint() == updatesPerformed();
    fit.endSteps(steps, full * batchSize + shortRows);
    fit.trace(session);
    if (due || !fit.isInEpoch() || fit.isSpent()) {
      fit.gradients = Optional.of(session.gradientStatistics());
    }
    try { // callbacks are called before the checkpoint, which must hold their changes
      fit.tell(() -> tell(callback -> callback.stepsEnd(fit, steps)));
    } finally {
      if (due && !fit.stopped()) {
        save();
      }
    }
  }

  /**
   * Drains the session; if too many steps in a row were skipped, reports a loss that is not finite
   * instead, which explains more.
   */
  private void drain() {
    try {
      session.drain(steps);
    } catch (HalfstepException skipped) {
      if (Double.isFinite(steps.metrics().loss())) {
        throw skipped;
      }
    }
  }

  /** Updates until a checkpoint is due, at least 1. */
  private int updatesToCheckpoint() {
    return options
        .checkpoints
        .map(Checkpoints::everyUpdates)
        .map(every -> (int) (every - fit.updates() % every))
        .orElse(Integer.MAX_VALUE);
  }

  private int updatesPerformed() {
    int performed = 0;
    for (int i = 0; i < steps.size(); i++) {
      performed += steps.skipped(i) ? 0 : 1;
    }
    return performed;
  }

  /** Sets the session's learning rates and momenta of the next updates. */
  private void setRates(int count) {
    float[] rates = new float[count];
    float[] momenta = new float[count];
    for (int i = 0; i < count; i++) {
      Schedule.Progress progress = fit.batches.progress(fit.updates() + i);
      rates[i] = rate(progress);
      momenta[i] =
          (float)
              options.schedule.momentum(progress).orElse(options.session.optimizer().momentum());
    }
    session.schedule(rates, momenta);
  }

  /** The optimizer's rate times the factors of schedule, scaling, plateau and callbacks. */
  private float rate(Schedule.Progress progress) {
    double factor =
        options.schedule.factor(progress)
            * options.scaling.factor(options.referenceBatch, fit.batchSize())
            * options.batchSchedule.rateFactor(fit.epoch() - 1)
            * fit.plateauMultiplier()
            * fit.rateFactor();
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      throw new IllegalStateException(
          "the schedule gives "
              + factor
              + " at update "
              + progress.update()
              + ": a factor must be finite and not negative");
    }
    return (float) (options.session.optimizer().learningRate() * factor);
  }
}
