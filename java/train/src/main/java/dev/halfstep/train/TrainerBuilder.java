package dev.halfstep.train;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.TargetSpec;
import dev.halfstep.files.Safetensors;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.SessionBuilder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/**
 * Builds a {@link Trainer}. Immutable: each method returns a new builder with one option changed,
 * so that one builder can be the base of several runs.
 */
public final class TrainerBuilder extends TrainerOptions {
  TrainerBuilder(SessionBuilder session, Dataset train) {
    super(session, train);
  }

  private TrainerBuilder with(Consumer<TrainerOptions> change) {
    TrainerBuilder next = (TrainerBuilder) clone();
    change.accept(next);
    return next;
  }

  /**
   * Changes the options of the session that are needed less often: storage type, micro-batch,
   * clipping, loss scaling.
   *
   * <pre>{@code
   * TrainerBuilder clipped = builder.session(options -> options.clipNorm(1));
   * }</pre>
   */
  public TrainerBuilder session(UnaryOperator<SessionBuilder> change) {
    return with(next -> next.session = change.apply(session));
  }

  /** The device to train on, which the caller closes (default: "auto", opened for the run). */
  public TrainerBuilder device(Device device) {
    return session(options -> options.device(device));
  }

  /** The loss to minimise (default: cross-entropy). */
  public TrainerBuilder loss(Loss loss) {
    return session(options -> options.loss(loss));
  }

  /** The optimizer (default: SGD with a learning rate of 0.01). */
  public TrainerBuilder optimizer(Optimizer optimizer) {
    return session(options -> options.optimizer(optimizer));
  }

  /**
   * Groups of parameters whose learning rate and weight decay are the optimizer's times a factor
   * (default: none). A parameter that matches several groups belongs to the first.
   *
   * @throws IllegalArgumentException if a group matches no trained parameter of the model; the
   *     message lists the trained parameters
   */
  public TrainerBuilder groups(ParameterGroup... groups) {
    return session(options -> options.groups(groups));
  }

  /**
   * Samples of an update (default: 32): 1 is stochastic gradient descent, all samples are batch
   * gradient descent.
   *
   * @throws IllegalArgumentException if less than 1
   */
  public TrainerBuilder batchSize(int batchSize) {
    return session(options -> options.batchSize(batchSize));
  }

  /**
   * The seed of the order of the samples, and of the weights of a model that has none yet (default:
   * 0).
   */
  public TrainerBuilder seed(long seed) {
    return session(options -> options.seed(seed));
  }

  /** Samples to evaluate after each epoch, and to choose the best epoch by (default: none). */
  public TrainerBuilder validation(Dataset validation) {
    return with(next -> next.validation = Optional.of(validation));
  }

  /** Samples to evaluate once at the end, with the best weights (default: none). */
  public TrainerBuilder test(Dataset test) {
    return with(next -> next.test = Optional.of(test));
  }

  /**
   * The schedule by which the optimizer's learning rate is multiplied (default: {@link
   * Schedule#constant}).
   */
  public TrainerBuilder schedule(Schedule schedule) {
    return with(next -> next.schedule = Objects.requireNonNull(schedule, "schedule"));
  }

  /**
   * Declares that the optimizer's learning rate is meant for batches of another size, and how to
   * scale it to those of the run (default: it is not scaled). If a schedule changes the batch size,
   * the learning rate follows.
   *
   * @param referenceBatch the batch size for which the rate was found, at least 1
   */
  public TrainerBuilder scaling(LearningRateScaling rule, int referenceBatch) {
    return with(
        next -> {
          next.scaling = Objects.requireNonNull(rule, "rule");
          next.referenceBatch = positive("the reference batch size", referenceBatch);
        });
  }

  /** The batch size of each epoch (default: the batch size throughout). */
  public TrainerBuilder batchSchedule(BatchSchedule schedule) {
    return with(next -> next.batchSchedule = Objects.requireNonNull(schedule, "schedule"));
  }

  /**
   * Adapts the batch size to the gradient noise, which is then measured after each epoch; starts
   * with the trainer's batch size (default: not). It replaces a {@link #batchSchedule}.
   */
  public TrainerBuilder responsiveBatch(ResponsiveBatch rule) {
    return with(next -> next.responsive = Optional.of(rule));
  }

  /**
   * Whether to measure after each epoch how the gradients of single samples scatter (default: not),
   * as {@link EpochRecord#noise}. It takes the time of about 128 training samples and does not
   * affect training.
   */
  public TrainerBuilder gradientNoise(boolean measured) {
    return with(next -> next.gradientNoise = measured);
  }

  /**
   * Records one weight during the run ({@link History#traces}): its value is read at the beginning
   * and after each block of at most {@link #syncEvery} steps. Call it again for further weights.
   *
   * @param parameter its tensor's name, such as {@code 1.weight}
   * @param index the index of the weight in the tensor, row-major
   * @throws IllegalArgumentException if there is no such weight
   */
  public TrainerBuilder trace(String parameter, int index) {
    WeightTraces.Watched watched = new WeightTraces.Watched(parameter, index);
    watched.requireIn(session.model());
    List<WeightTraces.Watched> all = new ArrayList<>(traced);
    all.add(watched);
    return with(next -> next.traced = List.copyOf(all));
  }

  /**
   * The largest batch that a callback may set with {@link Fit#batchSize(int)}, for which the run
   * allocates memory (default: the largest of the trainer's batch size and its schedule).
   *
   * @throws IllegalArgumentException if less than 1
   */
  public TrainerBuilder largestBatch(int samples) {
    return with(next -> next.largestBatch = positive("the largest batch", samples));
  }

  /** Lowers the learning rate when a metric no longer improves (default: never). */
  public TrainerBuilder plateau(Plateau plateau) {
    return with(next -> next.plateau = Optional.of(plateau));
  }

  /**
   * Ends the run when metrics no longer improve (default: never). The best epoch is chosen by the
   * metric of the first rule, unless {@link #monitor} names another.
   */
  public TrainerBuilder earlyStopping(EarlyStopping rule) {
    return with(next -> next.earlyStopping = Optional.of(rule));
  }

  /**
   * The metric that chooses the best epoch, whose weights the model has at the end (default: the
   * metric of {@link #earlyStopping}, of its first rule if there are several; without early
   * stopping the validation loss, or the training loss if there are no validation data).
   */
  public TrainerBuilder monitor(Metric metric) {
    return with(next -> next.monitor = Optional.of(metric));
  }

  /**
   * Metrics to measure after each epoch in addition to those that other options watch (default:
   * none); {@link Metric#of} reads their values from the epochs' records.
   */
  public TrainerBuilder metrics(Metric... metrics) {
    return with(next -> next.measured = List.of(metrics));
  }

  /** Averages the weights during the run (default: not). */
  public TrainerBuilder average(WeightAverage average) {
    return with(next -> next.average = Optional.of(average));
  }

  /**
   * The number of passes over the training samples (default: 10); short for a {@link #budget} of
   * epochs.
   *
   * @throws IllegalArgumentException if less than 1
   */
  public TrainerBuilder epochs(int epochs) {
    return budget(Budget.ofEpochs(positive("the number of epochs", epochs)));
  }

  /**
   * How long the run may last. Its last epoch is validated even if it is not complete, if it has at
   * least one step.
   */
  public TrainerBuilder budget(Budget budget) {
    return with(next -> next.budget = Objects.requireNonNull(budget, "budget"));
  }

  /** Writes checkpoints, from which the run can be resumed if it is killed (default: none). */
  public TrainerBuilder checkpoints(Checkpoints checkpoints) {
    return with(next -> next.checkpoints = Optional.of(checkpoints));
  }

  /**
   * Continues from a checkpoint of a run with the same options, for example from {@link
   * Checkpoints#newest}: the result equals that of an uninterrupted run, bit for bit. The batch
   * size may differ, and then changes from there on.
   */
  public TrainerBuilder resume(Safetensors.Contents checkpoint) {
    return with(next -> next.resumed = Optional.of(checkpoint));
  }

  /**
   * Whether to leave out an epoch's last samples if they do not fill a batch (default: they are
   * trained).
   */
  public TrainerBuilder dropLast(boolean dropLast) {
    return with(next -> next.dropLast = dropLast);
  }

  /**
   * The most steps after which the trainer waits for the device's results (default: 50). Results do
   * not depend on it, but callbacks are called only then, and their changes hold from there on.
   *
   * @throws IllegalArgumentException if less than 1
   */
  public TrainerBuilder syncEvery(int steps) {
    return with(next -> next.syncEvery = positive("syncEvery", steps));
  }

  /** The callbacks of the run, called in this order (default: none). */
  public TrainerBuilder callbacks(Callback... callbacks) {
    return with(next -> next.callbacks = List.of(callbacks));
  }

  /** The clock, which tests replace (default: {@link System#nanoTime}). */
  TrainerBuilder clock(LongSupplier nanoTime) {
    return with(next -> next.nanoTime = nanoTime);
  }

  /**
   * Builds the trainer.
   *
   * @throws IllegalArgumentException if the batch is larger than the training data, the data do not
   *     fit the model (the message names the sample of a label or token that the model does not
   *     know), a metric needs validation data and there are none, a schedule needs the run's length
   *     and the budget does not give it, or the checkpoint to resume is damaged or belongs to
   *     another run (the message names the difference)
   */
  public Trainer build() {
    if (session.batchSize() > train.size()) {
      throw new IllegalArgumentException(
          "the batch size "
              + session.batchSize()
              + " is larger than the "
              + train.size()
              + " training samples: give at most that");
    }
    Set<String> labels = new HashSet<>();
    for (Metric metric : metrics()) {
      if (!labels.add(metric.label())) {
        throw new IllegalArgumentException(
            "two metrics are named " + metric.label() + ": give each a name of its own");
      }
      if (metric.needsValidation() && validation.isEmpty()) {
        throw new IllegalArgumentException(
            metric.label()
                + " needs validation data, but there are none; without them there are "
                + Metric.labels(false));
      }
      if (metric.function().isPresent()
          && !metric.takesNames()
          && session.model().outputs().size() > 1) {
        throw new IllegalArgumentException(
            metric.label()
                + " is a metric of one output, but the model has "
                + session.model().outputs().keySet()
                + ": make it with Metric.ofNamed");
      }
      if (metric.needsConfusion()
          && (session.loss().takesNames() || session.loss().targetType() != DType.I32)) {
        throw new IllegalArgumentException(
            metric.label() + " needs class labels, but the loss is " + session.loss());
      }
      if (metric.increasing()
          && metric.function().isEmpty()
          && !metric.needsConfusion()
          && !session.loss().countsCorrect()) {
        throw new IllegalArgumentException(
            metric.label()
                + " counts what is right, which "
                + session.loss()
                + " does not say: take "
                + (metric.needsValidation() ? Metric.VAL_LOSS : Metric.TRAIN_LOSS).label());
      }
    }
    if (responsive.isPresent() && !batchSchedule.equals(BatchSchedule.constant())) {
      throw new IllegalArgumentException(
          "a responsive batch and a batch schedule both set the batch size: give one of them");
    }
    session.requireFitting(train);
    validation.ifPresent(this::requireEvaluable);
    test.ifPresent(this::requireEvaluable);
    return new Trainer(this);
  }

  private void requireEvaluable(Dataset data) {
    session.requireFitting(data);
    if (targetShapes(data).equals(targetShapes(train))) {
      return; // the plan of training checks that they fit the loss
    }
    session.requireEvaluation(data);
  }

  private static List<Shape> targetShapes(Dataset data) {
    return data.form().targets().stream().map(TargetSpec::shape).toList();
  }

  /** Trains the model; short for {@code build().fit()}. */
  public History fit() {
    return build().fit();
  }

  private static int positive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + " must be at least 1, not " + value);
    }
    return value;
  }
}
