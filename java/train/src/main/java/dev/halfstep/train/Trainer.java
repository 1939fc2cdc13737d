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
 * Trains a model in epochs of shuffled mini-batches, with a validation after each epoch. At the end
 * it restores the weights of the best epoch and evaluates them on test data.
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
 * <p>The order of an epoch's samples is a pure function of seed and epoch ({@link Order}). The same
 * seed gives the same bits on the same device, for any number of threads. A short last batch is
 * trained too, and counts in the epoch's loss in proportion to its samples.
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
   * Throws now the exception that a schedule would throw at the first step if it needs the run's
   * length.
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

  /** Returns a builder of a trainer of this model on these samples. */
  public static TrainerBuilder builder(Model model, Dataset train) {
    return new TrainerBuilder(TrainingSession.builder(model), train);
  }

  /** The options of this trainer. */
  public TrainerOptions options() {
    return options;
  }

  /** The plan of a run: its updates, bytes and FLOPs. */
  public TrainingPlan plan() {
    return plan;
  }

  /**
   * Trains from the model's weights until the budget is spent or something stops the run. Whatever
   * ends it, even an exception, the model then has the weights of the best epoch ({@link
   * History#bestEpoch}). A run whose time is over before its first step does not fail: it ends with
   * {@link StopReason.Kind#COMPLETED}, without epochs and losses, and the model keeps its initial
   * weights. A run whose thread is interrupted ends after the current block of steps, with {@link
   * StopReason.Kind#INTERRUPTED}; the flag stays set, and test data are not evaluated.
   *
   * @throws dev.halfstep.HalfstepException if the device fails, or its memory is too small for the
   *     session and a few batches; the message tells how much each needs
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

  /** The options of a session with memory for the largest batch. */
  private SessionBuilder sessionOptions() {
    SessionBuilder session =
        options.session.batchSize(plan.largestBatch()).pendingSteps(options.syncEvery + 1);
    return options
        .average
        .filter(average -> average.kind() == WeightAverage.Kind.EXPONENTIAL)
        .map(average -> session.averageDecay(average.decay()))
        .orElse(session);
  }

  /** The writer of the run's checkpoints; null if it writes none. */
  private @Nullable CheckpointWriter checkpoints() {
    return options.checkpoints.isEmpty()
        ? null
        : CheckpointWriter.open(options.checkpoints.get(), options.resumed, file);
  }
}
