package dev.halfstep.cli;

import dev.halfstep.metric.Metric;
import dev.halfstep.report.Recipe;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.train.Budget;
import dev.halfstep.train.EarlyStopping;
import dev.halfstep.train.TrainerBuilder;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a run's course: schedules, micro-batch, clipping, and when it ends. */
final class RecipeOptions {
  /** The batch size that {@code --lr} is meant for where {@code --lr-scaling} is given. */
  private static final int REFERENCE_BATCH = 32;

  private static final int DEFAULT_EPOCHS = 10;
  private static final int DEFAULT_PATIENCE = 5;

  private static final Map<String, Spec.Form> SCHEDULES =
      Map.of(
          "constant", new Spec.Form(0, 0, "constant"),
          "step", new Spec.Form(2, 2, "step:EPOCHS,FACTOR"),
          "exponential", new Spec.Form(1, 1, "exponential:FACTOR"),
          "cosine", new Spec.Form(0, 1, "cosine[:LAST]"),
          "cyclical", new Spec.Form(2, 2, "cyclical:LOW,EPOCHS"),
          "one-cycle", new Spec.Form(0, 0, "one-cycle"),
          "plateau", new Spec.Form(0, 2, "plateau[:FACTOR,PATIENCE]"));
  private static final Map<String, Spec.Form> BATCH_SCHEDULES =
      Map.of(
          "constant", new Spec.Form(0, 0, "constant"),
          "warmup", new Spec.Form(2, 2, "warmup:FIRST,EPOCHS"),
          "double", new Spec.Form(1, 99, "double:EPOCHS,..."),
          "double-and-halve", new Spec.Form(1, 99, "double-and-halve:EPOCHS,..."),
          "one-cycle", new Spec.Form(0, 0, "one-cycle"),
          "responsive", new Spec.Form(2, 3, "responsive:LEAST,MOST[,PATIENCE]"));
  private static final Map<String, Spec.Form> BUDGETS =
      Map.of(
          "updates", new Spec.Form(1, 1, "updates:N"),
          "samples", new Spec.Form(1, 1, "samples:N"),
          "seconds", new Spec.Form(1, 1, "seconds:S"));
  private static final Map<String, LearningRateScaling> SCALINGS =
      Map.of(
          "none", LearningRateScaling.NONE,
          "linear", LearningRateScaling.LINEAR,
          "sqrt", LearningRateScaling.SQUARE_ROOT);

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description =
          "How often to go through the training data (default: 10, or as often as --budget lets).")
  private @Nullable Integer epochs;

  @Option(
      names = "--budget",
      paramLabel = "BUDGET",
      description = "Ends the run after updates:N, samples:N or seconds:S, within an epoch too.")
  private @Nullable String budget;

  @Option(
      names = "--micro-batch",
      paramLabel = "N",
      description = "Samples that are computed at once; limits memory, not results.")
  private @Nullable Integer microBatch;

  @Option(
      names = "--drop-last",
      description =
          "Leaves an epoch's last samples out where they do not fill a batch (default: they are an"
              + " update of their own).")
  private boolean dropLast;

  @Option(
      names = "--schedule",
      paramLabel = "SCHEDULE",
      defaultValue = "constant",
      description = {
        "The learning rate over the run (default: ${DEFAULT-VALUE}): step:EPOCHS,FACTOR,"
            + " exponential:FACTOR, cosine[:LAST], cyclical:LOW,EPOCHS (from LOW times the rate to"
            + " the rate and back), one-cycle,",
        "plateau[:FACTOR,PATIENCE]: by the validation loss (0.5 and 3)"
      })
  private String schedule = "constant";

  @Option(
      names = "--warmup",
      paramLabel = "UPDATES",
      defaultValue = "0",
      description = "Updates in which the learning rate rises from 0 (default: ${DEFAULT-VALUE}).")
  private long warmUp;

  @Option(
      names = "--lr-scaling",
      paramLabel = "RULE",
      defaultValue = "none",
      description =
          "none, or linear or sqrt: --lr is meant for a batch of 32 and carried over to the batch"
              + " size (default: ${DEFAULT-VALUE}).")
  private String scaling = "none";

  @Option(
      names = "--batch-schedule",
      paramLabel = "SCHEDULE",
      defaultValue = "constant",
      description = {
        "The batch size over the run (default: ${DEFAULT-VALUE}): warmup:FIRST,EPOCHS doubles from"
            + " FIRST after so many epochs each; double:EPOCHS,... doubles after so many epochs"
            + " instead of lowering the rate; double-and-halve:EPOCHS,... halves the rate too;"
            + " one-cycle: to half of it and back;",
        "responsive:LEAST,MOST[,PATIENCE] doubles or halves where the gradient noise, measured after"
            + " each epoch, asks for it in PATIENCE (2) epochs in a row"
      })
  private String batchSchedule = "constant";

  @Option(
      names = "--clip",
      paramLabel = "NORM",
      description = "Scales gradients down whose norm over all parameters is above this.")
  private @Nullable Double clip;

  @Option(
      names = "--early-stopping",
      paramLabel = "METRIC",
      description =
          "Ends the run when train_loss, train_accuracy, val_loss, val_accuracy, val_precision,"
              + " val_recall or val_f1 (means over classes) no longer improves, and chooses the"
              + " best epoch by it.")
  private @Nullable String metric;

  @Option(
      names = "--patience",
      paramLabel = "EPOCHS",
      description =
          "Epochs without improvement that end the run (default: 5); alone: of the validation"
              + " loss.")
  private @Nullable Integer patience;

  @Option(
      names = "--min-delta",
      paramLabel = "D",
      description = "What counts as an improvement for --early-stopping (default: 0).")
  private @Nullable Double minDelta;

  /** The options as a report holds them. */
  Recipe recipe() {
    boolean stops = metric != null || patience != null;
    return new Recipe(
        microBatch,
        dropLast,
        schedule,
        warmUp,
        scaling,
        batchSchedule,
        clip,
        stops ? metric().label() : null,
        stops ? (patience == null ? Integer.valueOf(DEFAULT_PATIENCE) : patience) : null,
        minDelta,
        budget);
  }

  /**
   * Applies the options to a trainer.
   *
   * @param validated whether there are validation data
   * @throws UsageException if something is unknown or impossible
   */
  TrainerBuilder apply(TrainerBuilder trainer, boolean validated) {
    return possible(() -> applied(trainer, validated));
  }

  private TrainerBuilder applied(TrainerBuilder trainer, boolean validated) {
    TrainerBuilder result = batchSchedule(trainer.budget(budget()).dropLast(dropLast));
    if (microBatch != null) {
      int samples = RunOptions.atLeastOne("--micro-batch", microBatch);
      result = result.session(options -> options.microBatch(samples));
    }
    if (clip != null) {
      double norm = clip;
      if (!(norm > 0 && norm <= Float.MAX_VALUE)) {
        throw new UsageException("--clip must be a finite number above 0, not " + norm);
      }
      result = result.session(options -> options.clipNorm(norm));
    }
    if (warmUp < 0) {
      throw new UsageException("--warmup must be at least 0, not " + warmUp);
    }
    LearningRateScaling rule = SCALINGS.get(scaling);
    if (rule == null) {
      throw new UsageException(
          "unknown --lr-scaling '" + scaling + "'.", "Possible are none, linear and sqrt.");
    }
    result = result.scaling(rule, REFERENCE_BATCH);
    Spec spec = Spec.parse("--schedule", schedule, SCHEDULES);
    if (spec.name().equals("plateau")) {
      Metric watched = validated ? Metric.VAL_LOSS : Metric.TRAIN_LOSS;
      result = result.plateau(Plateau.of(watched, spec.number(0, 0.5), spec.integer(1, 3)));
    }
    return stopping(result.schedule(schedule(spec).withWarmUp(warmUp)), validated);
  }

  private static Schedule schedule(Spec spec) {
    return switch (spec.name()) {
      case "step" -> Schedule.step(spec.integer(0, 0), spec.number(1, 0));
      case "exponential" -> Schedule.exponential(spec.number(0, 0));
      case "cosine" -> Schedule.cosine(spec.number(0, 0));
      case "cyclical" -> Schedule.cyclical(spec.number(0, 0), spec.number(1, 0));
      case "one-cycle" -> Schedule.oneCycle();
      default -> Schedule.constant();
    };
  }

  private TrainerBuilder batchSchedule(TrainerBuilder trainer) {
    Spec spec = Spec.parse("--batch-schedule", batchSchedule, BATCH_SCHEDULES);
    return switch (spec.name()) {
      case "warmup" ->
          trainer.batchSchedule(BatchSchedule.warmUp(spec.integer(0, 0), spec.integer(1, 0)));
      case "double" -> trainer.batchSchedule(BatchSchedule.doublingInsteadOfDecay(spec.integers()));
      case "double-and-halve" ->
          trainer.batchSchedule(BatchSchedule.doublingWithDecay(spec.integers()));
      case "one-cycle" -> trainer.batchSchedule(BatchSchedule.oneCycle());
      case "responsive" ->
          trainer.responsiveBatch(
              ResponsiveBatch.between(spec.integer(0, 0), spec.integer(1, 0))
                  .withPatience(spec.integer(2, 2)));
      default -> trainer;
    };
  }

  /** How long the run may go on. */
  Budget budget() {
    Budget most =
        Budget.ofEpochs(
            epochs != null
                ? RunOptions.atLeastOne("--epochs", epochs)
                : budget == null ? DEFAULT_EPOCHS : Integer.MAX_VALUE);
    if (budget == null) {
      return most;
    }
    Spec spec = Spec.parse("--budget", budget, BUDGETS);
    return switch (spec.name()) {
      case "updates" -> most.andUpdates(spec.whole(0, 0));
      case "samples" -> most.andSamples(spec.whole(0, 0));
      default -> most.andSeconds(spec.number(0, 0));
    };
  }

  private Metric metric() {
    String name = metric;
    return name == null ? Metric.VAL_LOSS : possible(() -> Metric.named(name));
  }

  private TrainerBuilder stopping(TrainerBuilder trainer, boolean validated) {
    if (metric == null && patience == null) {
      if (minDelta != null) {
        throw new UsageException("--min-delta is for --early-stopping or --patience");
      }
      return trainer;
    }
    Metric watched = metric();
    if (watched.needsValidation() && !validated) {
      throw new UsageException(
          "--early-stopping: " + watched.label() + " needs validation data.",
          "Without them there are " + String.join(" and ", Metric.labels(false)) + ".");
    }
    int epochsWithout =
        patience == null ? DEFAULT_PATIENCE : RunOptions.atLeastOne("--patience", patience);
    return trainer.earlyStopping(
        EarlyStopping.on(watched, epochsWithout).withMinDelta(minDelta == null ? 0 : minDelta));
  }

  /** Turns the library's refusal of a value into a usage error. */
  static <T> T possible(Supplier<T> value) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }
}
