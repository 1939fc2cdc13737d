package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.files.Safetensors;
import dev.halfstep.metric.Metric;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.SessionBuilder;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The options of a {@link Trainer}, as its parts read them; {@link TrainerBuilder} sets them.
 * Immutable.
 */
public abstract class TrainerOptions implements Cloneable {
  // Only TrainerBuilder writes these fields, in a new copy that is not shared yet.
  final Dataset train;
  SessionBuilder session;
  Optional<Dataset> validation = Optional.empty();
  Optional<Dataset> test = Optional.empty();
  Schedule schedule = Schedule.constant();
  LearningRateScaling scaling = LearningRateScaling.NONE;
  int referenceBatch = 32;
  BatchSchedule batchSchedule = BatchSchedule.constant();
  Optional<ResponsiveBatch> responsive = Optional.empty();
  Optional<Plateau> plateau = Optional.empty();
  Optional<EarlyStopping> earlyStopping = Optional.empty();
  Optional<Metric> monitor = Optional.empty();
  List<Metric> measured = List.of();
  Optional<WeightAverage> average = Optional.empty();
  Budget budget = Budget.ofEpochs(10);
  Optional<Checkpoints> checkpoints = Optional.empty();
  Optional<Safetensors.Contents> resumed = Optional.empty();
  int largestBatch; // the largest batch that callbacks may set
  boolean gradientNoise;
  List<WeightTraces.Watched> traced = List.of();
  boolean dropLast;
  int syncEvery = 50;
  List<Callback> callbacks = List.of();
  LongSupplier nanoTime = System::nanoTime;

  TrainerOptions(SessionBuilder session, Dataset train) {
    this.session = Objects.requireNonNull(session, "session");
    this.train = Objects.requireNonNull(train, "train");
  }

  /** The learning rate of full batches before schedules: the optimizer's, scaled with the batch. */
  public final double learningRate() {
    return session.optimizer().learningRate() * scaling.factor(referenceBatch, session.batchSize());
  }

  /** The options of the run's session: model, loss, optimizer, batch size, device. */
  public final SessionBuilder sessionOptions() {
    return session;
  }

  /** The training data. */
  public final Dataset trainingData() {
    return train;
  }

  /** The validation data, on which each epoch is evaluated, if any. */
  public final Optional<Dataset> validationData() {
    return validation;
  }

  /** The test data, on which the run is evaluated at its end, if any. */
  public final Optional<Dataset> testData() {
    return test;
  }

  /** Whether an epoch's last samples are left out if they do not fill a batch. */
  public final boolean dropsLast() {
    return dropLast;
  }

  /** Whether validation counts the predicted classes of the samples of each class. */
  boolean countsConfusion() {
    return metrics().stream().anyMatch(Metric::needsConfusion);
  }

  /** All metrics that the run needs, each once. */
  Set<Metric> metrics() {
    Set<Metric> metrics = new LinkedHashSet<>(measured);
    monitor.ifPresent(metrics::add);
    plateau.ifPresent(rule -> metrics.add(rule.metric()));
    earlyStopping.ifPresent(rule -> rule.rules().forEach(part -> metrics.add(part.metric())));
    return metrics;
  }

  /** The metric that chooses the best epoch. */
  Metric monitored() {
    return monitor
        .or(() -> earlyStopping.map(rule -> rule.rules().get(0).metric()))
        .orElse(validation.isPresent() ? Metric.VAL_LOSS : Metric.TRAIN_LOSS);
  }

  @Override
  protected TrainerOptions clone() {
    try {
      return (TrainerOptions) super.clone();
    } catch (CloneNotSupportedException impossible) {
      throw new AssertionError(impossible);
    }
  }
}
