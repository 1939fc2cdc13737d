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
 * What a {@link Trainer} is to do, as its parts read it; a {@link TrainerBuilder} makes it.
 * Immutable.
 */
public abstract class TrainerOptions implements Cloneable {
  // Written by TrainerBuilder alone, in a copy that nobody else has seen.
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
  int largestBatch; // of those that callbacks set
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

  /** What is trained on. */
  public final Dataset trainingData() {
    return train;
  }

  /** What epochs are evaluated on, if anything. */
  public final Optional<Dataset> validationData() {
    return validation;
  }

  /** What the run is tested on at its end, if anything. */
  public final Optional<Dataset> testData() {
    return test;
  }

  /** Whether an epoch's last samples are left out where they do not fill a batch. */
  public final boolean dropsLast() {
    return dropLast;
  }

  /** Whether validation is to count which class was taken for which. */
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

  /** What the best epoch is chosen by. */
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
