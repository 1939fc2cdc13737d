package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.nn.Model;
import java.util.Optional;

/**
 * Trains a model: epochs over shuffled mini-batches, validation after each, and at the end the
 * weights of the best epoch, evaluated on test data.
 *
 * <pre>{@code
 * Split digits = Digits.generate(0);
 * Split parts = digits.train().splitLast(0.1);
 * Model model = Model.of(digits.train().sampleShape(), Sequential.of(new Flatten(), ...));
 * try (Device device = Device.open("auto")) {
 *   History history =
 *       Trainer.builder(model, parts.train())
 *           .validation(parts.heldOut())
 *           .test(digits.heldOut())
 *           .optimizer(AdamW.of(0.001))
 *           .batchSize(64)
 *           .epochs(10)
 *           .device(device)
 *           .build()
 *           .fit();
 * }
 * }</pre>
 *
 * <p>The order of an epoch's samples is {@link Order}, a pure function of seed and epoch. The same
 * seed gives the same bits on the same device, however many threads it has. A last batch that is
 * short is trained as it is, and counts in the epoch's loss for the samples that it holds.
 */
public final class Trainer {
  private final TrainerBuilder options;
  private final Dataset train;
  private final TrainingPlan plan;

  Trainer(TrainerBuilder options) {
    this.options = options;
    this.train = options.train;
    int batchSize = options.session.batchSize;
    int samples = options.dropLast ? train.size() / batchSize * batchSize : train.size();
    this.plan =
        new TrainingPlan(
            options.epochs,
            batchSize,
            samples,
            options.session.plan(train),
            options.session.memory(train));
  }

  /** The beginning of a trainer of this model on these samples. */
  public static TrainerBuilder builder(Model model, Dataset train) {
    return new TrainerBuilder(TrainingSession.builder(model), train);
  }

  /** What a run will be: updates, bytes and FLOPs. */
  public TrainingPlan plan() {
    return plan;
  }

  /**
   * Trains from the model's weights until all epochs are done or something stops the run. Whatever
   * stopped it, the model then has the weights of the best epoch ({@link History#bestEpoch}).
   *
   * @throws dev.halfstep.HalfstepException if the device fails, or its memory does not suffice for
   *     the session and all samples; the message says how much each needs
   */
  public History fit() {
    Fit fit = new Fit(plan);
    try (TrainingSession session = options.session.pendingSteps(options.syncEvery + 1).open()) {
      session.data(train);
      options.callbacks.forEach(callback -> callback.fitBegin(fit));
      int[] order = new int[train.size()];
      StepBlock steps = new StepBlock(options.syncEvery + 1);
      while (!fit.stopped() && fit.epoch() < plan.epochs()) {
        fit.beginEpoch();
        options.callbacks.forEach(callback -> callback.epochBegin(fit));
        Order.fill(options.session.seed, fit.epoch() - 1, order);
        session.order(order);
        trainEpoch(session, fit, steps);
      }
      fit.bestWeights().ifPresent(session::weights);
      session.store();
      History history = fit.history(options.test.map(session::evaluate));
      options.callbacks.forEach(callback -> callback.fitEnd(fit, history));
      return history;
    }
  }

  /** One epoch in the order that the session has; if it is stopped or diverges it has no record. */
  private void trainEpoch(TrainingSession session, Fit fit, StepBlock steps) {
    double begin = fit.seconds();
    while (!fit.stopped() && fit.sample() < plan.samples()) {
      trainBlock(session, fit, steps);
    }
    if (fit.sample() < plan.samples() || !Double.isFinite(fit.metrics().loss())) {
      return;
    }
    double seconds = fit.seconds() - begin;
    Optional<Metrics> validation = options.validation.map(session::evaluate);
    EpochRecord record =
        new EpochRecord(fit.epoch(), fit.metrics(), validation, rate(fit.updates() - 1), seconds);
    if (fit.endEpoch(record)) {
      fit.keepWeights(session.weights());
    }
    options.callbacks.forEach(callback -> callback.epochEnd(fit, record));
  }

  /** At most {@code syncEvery} steps up to the epoch's end. */
  private void trainBlock(TrainingSession session, Fit fit, StepBlock steps) {
    int left = plan.samples() - fit.sample();
    int full = Math.min(options.syncEvery, left / plan.batchSize());
    int shortRows = full < options.syncEvery ? left - full * plan.batchSize() : 0;
    setRates(session, fit.updates(), full + (shortRows > 0 ? 1 : 0));
    if (full > 0) {
      session.run(full);
    }
    if (shortRows > 0) {
      session.runShort(shortRows);
    }
    session.drain(steps);
    fit.endSteps(steps, full * plan.batchSize() + shortRows);
    options.callbacks.forEach(callback -> callback.stepsEnd(fit, steps));
  }

  /** Tells the session the learning rates of the next updates. */
  private void setRates(TrainingSession session, long update, int count) {
    float[] rates = new float[count];
    float[] momenta = new float[count];
    for (int i = 0; i < count; i++) {
      rates[i] = rate(update + i);
      momenta[i] = options.session.optimizer.momentum();
    }
    session.schedule(rates, momenta);
  }

  private float rate(long update) {
    double factor =
        options.schedule.factor(
            new Schedule.Progress(update, plan.updatesPerEpoch(), plan.totalUpdates()));
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      throw new IllegalStateException(
          "the schedule gives "
              + factor
              + " at update "
              + update
              + ": a factor must be finite and not negative");
    }
    return (float) (options.session.optimizer.learningRate() * factor);
  }
}
