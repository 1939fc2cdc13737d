package dev.halfstep.train;

import dev.halfstep.HalfstepException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.GradientNoise;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Model;
import dev.halfstep.random.RandomStream;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.SessionState;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model: epochs over shuffled mini-batches, validation after each, and at the end the
 * weights of the best epoch, evaluated on test data.
 *
 * <pre>{@code
 * Split digits = Digits.generate(0);
 * Split parts = digits.train().split(0.1, 1);
 * Model model = Model.of(digits.train().sampleShape(), Sequential.of(new Flatten(), ...));
 * try (Device device = Device.open("auto")) {
 *   History history =
 *       Trainer.builder(model, parts.train())
 *           .validation(parts.heldOut())
 *           .test(digits.heldOut())
 *           .optimizer(Optimizer.adamW(0.001))
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
  private static final int NOISE_BATCH = 8;
  private static final int NOISE_BATCHES = 16;

  private final TrainerBuilder options;
  private final Dataset train;
  private final TrainingPlan plan;

  Trainer(TrainerBuilder options) {
    this.options = options;
    this.train = options.train;
    this.plan = new TrainingPlan(options);
    options.resumed.ifPresent(
        from -> CheckpointFile.read(from, sessionOptions(), new Fit(options, plan)));
    if (Double.isInfinite(plan.length())) {
      requireEndless(options.schedule, plan);
    }
  }

  /**
   * Throws now what a schedule would throw at the first step that needs to know the run's length.
   */
  private static void requireEndless(Schedule schedule, TrainingPlan plan) {
    Schedule.Progress begin =
        new Schedule.Progress(0, 0, Double.POSITIVE_INFINITY, plan.updatesPerEpoch());
    try {
      schedule.factor(begin);
      schedule.momentum(begin);
    } catch (IllegalStateException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
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
   * Trains from the model's weights until the budget is spent or something stops the run. Whatever
   * ends it, an exception too, the model then has the weights of the best epoch ({@link
   * History#bestEpoch}). A run whose time is over before its first step is no failure: it ends with
   * {@link StopReason.Kind#COMPLETED}, without epochs and losses, and the model has the weights
   * with which the run began. A run whose thread is interrupted ends after the block of steps that
   * it is in, with {@link StopReason.Kind#INTERRUPTED}; the flag stays set, and test data are not
   * evaluated.
   *
   * @throws dev.halfstep.HalfstepException if the device fails, or its memory does not suffice for
   *     the session and a few batches; the message says how much each needs
   */
  public History fit() {
    Fit fit = new Fit(options, plan);
    Optional<SessionState> resumed =
        options.resumed.map(from -> CheckpointFile.read(from, sessionOptions(), fit));
    try (CheckpointWriter checkpoints = checkpoints();
        TrainingSession session = sessionOptions().open()) {
      fit.checkpoints = checkpoints;
      session.data(train);
      resumed.ifPresent(session::state);
      fit.begin();
      try {
        return run(session, fit);
      } catch (RuntimeException | Error failure) {
        try {
          fit.bestWeights().ifPresentOrElse(options.session.model()::weights, session::store);
        } catch (RuntimeException second) {
          failure.addSuppressed(second);
        }
        throw failure;
      }
    }
  }

  private History run(TrainingSession session, Fit fit) {
    fit.trace(session);
    options.callbacks.forEach(callback -> callback.fitBegin(fit));
    int[] order = new int[train.size()];
    StepBlock steps = new StepBlock(options.syncEvery + 1);
    boolean complete = true;
    while (complete && (fit.isEpochOpen() || fit.goesOn())) {
      if (!fit.isEpochOpen()) {
        fit.beginEpoch();
      }
      options.callbacks.forEach(callback -> callback.epochBegin(fit));
      Order.fill(options.session.seed(), fit.epoch() - 1, order);
      session.order(order);
      session.position(fit.sample());
      complete = trainEpoch(session, fit, steps);
    }
    if (fit.isBrokenOff() && fit.steps() > 0) {
      save(session, fit);
    }
    fit.bestWeights().ifPresent(session::weights);
    session.store();
    Optional<Metrics> test = options.test.flatMap(data -> unlessInterrupted(session, fit, data));
    History history = fit.history(test, session.waiting());
    options.callbacks.forEach(callback -> callback.fitEnd(fit, history));
    return history;
  }

  /** What an evaluation gives, unless the thread is interrupted: then the run ends. */
  private static Optional<Metrics> unlessInterrupted(
      TrainingSession session, Fit fit, Dataset data) {
    try {
      return Optional.of(session.evaluate(data));
    } catch (CancellationException interrupted) {
      fit.lookAtClock();
      return Optional.empty();
    }
  }

  /** Of a session that has room for the largest batch. */
  private SessionBuilder sessionOptions() {
    SessionBuilder session =
        options.session.batchSize(plan.largestBatch()).pendingSteps(options.syncEvery + 1);
    return options
        .average
        .filter(average -> average.kind() == WeightAverage.Kind.EXPONENTIAL)
        .map(average -> session.averageDecay(average.decay()))
        .orElse(session);
  }

  /** What writes the run's checkpoints, if it has any. */
  private @Nullable CheckpointWriter checkpoints() {
    return options.checkpoints.isEmpty()
        ? null
        : CheckpointWriter.open(options.checkpoints.get(), options.resumed);
  }

  private void save(TrainingSession session, Fit fit) {
    CheckpointWriter checkpoints = fit.checkpoints;
    if (checkpoints != null) {
      checkpoints.save(options.session.model(), session, fit);
    }
  }

  /**
   * One epoch in the order that the session has.
   *
   * @return whether it has a record; it has none if it is stopped or interrupted, if it diverges,
   *     or if the time was over before its first step, and then it is the run's last
   */
  private boolean trainEpoch(TrainingSession session, Fit fit, StepBlock steps) {
    double begin = fit.seconds();
    fit.lookAtClock();
    while (!fit.stopped() && !fit.isSpent() && fit.isInEpoch()) {
      trainBlock(session, fit, steps);
      fit.lookAtClock();
    }
    boolean ended = !fit.isInEpoch() || (fit.isSpent() && !fit.stopped());
    if (!ended || fit.stepsOfEpoch() == 0 || !Double.isFinite(fit.metrics().loss())) {
      return false;
    }
    double seconds = fit.seconds() - begin;
    GradientStatistics gradients = fit.gradients().orElseGet(session::gradientStatistics);
    Optional<GradientNoise> noise = noise(session, fit);
    float[] trained = useAverage(session, fit);
    Optional<Metrics> validation;
    Optional<Confusion> confusion = Optional.empty();
    try {
      validation = options.validation.map(session::evaluate);
      if (options.countsConfusion()) {
        confusion = options.validation.map(session::confusion);
      }
    } catch (CancellationException interrupted) {
      fit.lookAtClock();
      useTrained(session, trained);
      return false;
    }
    EpochRecord record =
        new EpochRecord(
            fit.epoch(),
            fit.metrics(),
            validation,
            confusion,
            fit.stepsOfEpoch(),
            fit.batchSize(),
            rate(fit, fit.progress(Math.max(0, fit.updates() - 1))),
            seconds,
            gradients,
            noise);
    if (fit.isBest(record)) {
      fit.keepWeights(session.weights());
    }
    fit.endEpoch(record);
    useTrained(session, trained);
    options.callbacks.forEach(callback -> callback.epochEnd(fit, record));
    return true;
  }

  /** Measured on samples of the epoch's own choice, if it is asked for. */
  private Optional<GradientNoise> noise(TrainingSession session, Fit fit) {
    boolean asked = options.gradientNoise || options.responsive.isPresent();
    int small = Math.min(NOISE_BATCH, train.size() / 2);
    if (!asked || small == 0) {
      return Optional.empty();
    }
    int[] order = new int[train.size()];
    Order.fill(RandomStream.NOISE.key(options.session.seed()), fit.epoch() - 1, order);
    int batches = Math.min(NOISE_BATCHES, train.size() / small);
    return Optional.of(session.gradientNoise(small, Arrays.copyOf(order, batches * small)));
  }

  /** Lets the session evaluate averaged weights, where there are any; gives those it had. */
  private float[] useAverage(TrainingSession session, Fit fit) {
    WeightAverage average = options.average.orElse(null);
    if (average == null || fit.epoch() < average.startEpoch()) {
      return new float[0];
    }
    float[] trained = session.weights();
    boolean exponential = average.kind() == WeightAverage.Kind.EXPONENTIAL;
    session.weights(exponential ? session.averagedWeights() : fit.average(trained));
    return trained;
  }

  /** Takes {@link #useAverage} back. */
  private static void useTrained(TrainingSession session, float[] trained) {
    if (trained.length > 0) {
      session.weights(trained);
    }
  }

  /** At most {@code syncEvery} steps up to the end of the epoch or of the budget. */
  private void trainBlock(TrainingSession session, Fit fit, StepBlock steps) {
    int batchSize = fit.batchSize();
    int left = plan.samples(batchSize) - fit.sample();
    int most =
        (int)
            Math.min(options.syncEvery, plan.updatesLeft(fit.updates(), fit.samples(), batchSize));
    most = Math.min(most, updatesToCheckpoint(fit));
    int full = Math.min(most, left / batchSize);
    int shortRows = full < most ? left - full * batchSize : 0;
    setRates(session, fit, full + (shortRows > 0 ? 1 : 0));
    if (full > 0) {
      session.run(batchSize, full);
    }
    if (shortRows > 0) {
      session.runShort(shortRows);
    }
    drain(session, steps);
    boolean due = updatesToCheckpoint(fit) == updatesPerformed(steps);
    fit.endSteps(steps, full * batchSize + shortRows);
    fit.trace(session);
    if (due || !fit.isInEpoch() || fit.isSpent()) {
      fit.gradients(session.gradientStatistics());
    }
    if (due && !fit.stopped()) {
      save(session, fit);
    }
    options.callbacks.forEach(callback -> callback.stepsEnd(fit, steps));
  }

  /** Where too many steps in a row were skipped, a loss that is not finite tells more of it. */
  private static void drain(TrainingSession session, StepBlock steps) {
    try {
      session.drain(steps);
    } catch (HalfstepException skipped) {
      if (Double.isFinite(steps.metrics().loss())) {
        throw skipped;
      }
    }
  }

  /** Updates until a checkpoint is due, at least 1. */
  private int updatesToCheckpoint(Fit fit) {
    return options
        .checkpoints
        .map(Checkpoints::everyUpdates)
        .map(every -> (int) (every - fit.updates() % every))
        .orElse(Integer.MAX_VALUE);
  }

  private static int updatesPerformed(StepBlock steps) {
    int performed = 0;
    for (int i = 0; i < steps.size(); i++) {
      performed += steps.skipped(i) ? 0 : 1;
    }
    return performed;
  }

  /** Tells the session the learning rates and momenta of the next updates. */
  private void setRates(TrainingSession session, Fit fit, int count) {
    float[] rates = new float[count];
    float[] momenta = new float[count];
    for (int i = 0; i < count; i++) {
      Schedule.Progress progress = fit.progress(fit.updates() + i);
      rates[i] = rate(fit, progress);
      momenta[i] =
          (float)
              options.schedule.momentum(progress).orElse(options.session.optimizer().momentum());
    }
    session.schedule(rates, momenta);
  }

  /** The optimizer's rate, times what schedules, scaling and plateau say. */
  private float rate(Fit fit, Schedule.Progress progress) {
    double factor =
        options.schedule.factor(progress)
            * options.scaling.factor(options.referenceBatch, fit.batchSize())
            * options.batchSchedule.rateFactor(fit.epoch() - 1)
            * fit.plateauMultiplier();
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
