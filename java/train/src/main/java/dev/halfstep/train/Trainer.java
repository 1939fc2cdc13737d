package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Order;
import dev.halfstep.nn.Model;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.session.SessionState;
import dev.halfstep.session.TrainingSession;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model: epochs over shuffled mini-batches, validation after each, and at the end the
 * weights of the best epoch, evaluated on test data.
 *
 * <pre>{@code
 * Split digits = Digits.generate(0);
 * Split parts = digits.train().split(0.1, 1);
 * Layer layers = Sequential.of(new Flatten(), new Linear(10));
 * Model model = Model.of(digits.train().sampleShape(), layers);
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
  private final TrainerOptions options;
  private final TrainingPlan plan;
  private final CheckpointFile file;

  Trainer(TrainerOptions options) {
    this.options = options;
    plan =
        new TrainingPlan(
            options.session,
            options.train,
            options.budget,
            options.batchSchedule,
            options.responsive,
            options.largestBatch,
            options.dropLast);
    file = new CheckpointFile(sessionOptions(), new FitRecords(options));
    options.resumed.ifPresent(from -> file.read(from, new FitState(options, plan)));
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

  /** What the trainer is to do. */
  public TrainerOptions options() {
    return options;
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
    FitState fit = new FitState(options, plan);
    Optional<SessionState> resumed = options.resumed.map(from -> file.read(from, fit));
    try (CheckpointWriter checkpoints = checkpoints();
        TrainingSession session = sessionOptions().open()) {
      session.data(options.train);
      resumed.ifPresent(session::state);
      EpochLoop loop = new EpochLoop(options, fit, session, checkpoints);
      fit.begin();
      try {
        return loop.run();
      } catch (RuntimeException | Error failure) {
        try {
          fit.weights.best().ifPresentOrElse(options.session.model()::weights, session::store);
        } catch (RuntimeException second) {
          failure.addSuppressed(second);
        }
        throw failure;
      }
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
        : CheckpointWriter.open(options.checkpoints.get(), options.resumed, file);
  }
}
