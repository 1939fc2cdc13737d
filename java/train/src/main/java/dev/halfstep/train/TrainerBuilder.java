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
 * Builds a {@link Trainer}. Immutable: each method gives another builder, with one thing changed,
 * so that one can be the start of several runs.
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
   * Changes what is less often changed: storage type, micro-batch, clipping, loss scaling.
   *
   * <pre>{@code
   * TrainerBuilder clipped = builder.session(options -> options.clipNorm(1));
   * }</pre>
   */
  public TrainerBuilder session(UnaryOperator<SessionBuilder> change) {
    return with(next -> next.session = change.apply(session));
  }

  /** What to train on, the caller's to close (default: "auto", opened for the run). */
  public TrainerBuilder device(Device device) {
    return session(options -> options.device(device));
  }

  /** What is minimised (default: cross-entropy). */
  public TrainerBuilder loss(Loss loss) {
    return session(options -> options.loss(loss));
  }

  /** How parameters change (default: SGD with a learning rate of 0.01). */
  public TrainerBuilder optimizer(Optimizer optimizer) {
    return session(options -> options.optimizer(optimizer));
  }

  /**
   * Parameters whose learning rate and weight decay are the optimizer's times a factor (default:
   * none). A parameter that several groups match is in the first of them.
   *
   * @throws IllegalArgumentException if a group has no parameter of the model that is trained; the
   *     message names those there are
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

  /** Draws the order of the samples, and the weights of a model that has none yet (default: 0). */
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

  /** What the optimizer's learning rate is multiplied by (default: {@link Schedule#constant}). */
  public TrainerBuilder schedule(Schedule schedule) {
    return with(next -> next.schedule = Objects.requireNonNull(schedule, "schedule"));
  }

  /**
   * Says that the optimizer's learning rate is meant for batches of another size, and how it is
   * carried over to the run's (default: it is taken as it is). Where a schedule changes the batch
   * size, the rate follows.
   *
   * @param referenceBatch the batch size that the rate was found for, at least 1
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
   * Lets the batch size follow the gradient noise that is measured after each epoch, from the
   * trainer's batch size on (default: not). It takes the place of a {@link #batchSchedule}.
   */
  public TrainerBuilder responsiveBatch(ResponsiveBatch rule) {
    return with(next -> next.responsive = Optional.of(rule));
  }

  /**
   * Whether to measure after each epoch how the gradients of single samples scatter (default: not):
   * {@link EpochRecord#noise}. It takes the time of about 128 training samples; training goes on as
   * if it had not been.
   */
  public TrainerBuilder gradientNoise(boolean measured) {
    return with(next -> next.gradientNoise = measured);
  }

  /**
   * Follows one weight through the run ({@link History#traces}): its value is read at the beginning
   * and after each block of at most {@link #syncEvery} steps. May be called for several.
   *
   * @param parameter its tensor's name, such as {@code 1.weight}
   * @param index of the weight in the tensor, row-major
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
   * The largest batch that a callback may set with {@link Fit#batchSize(int)}, for which the run's
   * memory is made (default: the largest of the trainer's batch size and its schedule).
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
   * What the best epoch is chosen by, whose weights the model ends with (default: the metric that
   * {@link #earlyStopping} watches, of several rules that of the first; without it the validation
   * loss, or the training loss where there are no validation data).
   */
  public TrainerBuilder monitor(Metric metric) {
    return with(next -> next.monitor = Optional.of(metric));
  }

  /**
   * Metrics to measure after each epoch beside those that are watched (default: none): {@link
   * Metric#of} of the epochs' records gives their values.
   */
  public TrainerBuilder metrics(Metric... metrics) {
    return with(next -> next.measured = List.of(metrics));
  }

  /** Averages the weights along the run (default: not). */
  public TrainerBuilder average(WeightAverage average) {
    return with(next -> next.average = Optional.of(average));
  }

  /**
   * How often to go through the training samples (default: 10): short for a {@link #budget} of
   * epochs.
   *
   * @throws IllegalArgumentException if less than 1
   */
  public TrainerBuilder epochs(int epochs) {
    return budget(Budget.ofEpochs(positive("the number of epochs", epochs)));
  }

  /**
   * How long the run may go on. Its last epoch is validated even where it is not completed, if at
   * least one step of it was made.
   */
  public TrainerBuilder budget(Budget budget) {
    return with(next -> next.budget = Objects.requireNonNull(budget, "budget"));
  }

  /** Writes checkpoints, from which the run can be resumed if it is killed (default: none). */
  public TrainerBuilder checkpoints(Checkpoints checkpoints) {
    return with(next -> next.checkpoints = Optional.of(checkpoints));
  }

  /**
   * Goes on from a checkpoint, as {@link Checkpoints#newest} gives it, of a run with the same
   * options: the result is that of a run that was never interrupted, bit for bit. Another batch
   * size holds from there on.
   */
  public TrainerBuilder resume(Safetensors.Contents checkpoint) {
    return with(next -> next.resumed = Optional.of(checkpoint));
  }

  /** Leaves out an epoch's last samples if they do not fill a batch (default: they are trained). */
  public TrainerBuilder dropLast(boolean dropLast) {
    return with(next -> next.dropLast = dropLast);
  }

  /**
   * After how many steps the device is asked for its results, at most (default: 50). Results do not
   * depend on it, but callbacks are told only then, and what they change holds from there on.
   *
   * @throws IllegalArgumentException if less than 1
   */
  public TrainerBuilder syncEvery(int steps) {
    return with(next -> next.syncEvery = positive("syncEvery", steps));
  }

  /** Who is told of the run, in this order (default: nobody). */
  public TrainerBuilder callbacks(Callback... callbacks) {
    return with(next -> next.callbacks = List.of(callbacks));
  }

  /** Another clock, for tests (default: {@link System#nanoTime}). */
  TrainerBuilder clock(LongSupplier nanoTime) {
    return with(next -> next.nanoTime = nanoTime);
  }

  /**
   * The trainer.
   *
   * @throws IllegalArgumentException if the batch is larger than the training data, the data do not
   *     fit the model (a label that has no output, or a token that no embedding has, is named with
   *     its sample), a metric needs validation data and there are none, a schedule needs the run's
   *     length and the budget does not give it, or the checkpoint to go on from is damaged or that
   *     of another run: the message says what differs
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
      return; // the plan of training says whether they fit the loss
    }
    session.requireEvaluation(data);
  }

  private static List<Shape> targetShapes(Dataset data) {
    return data.form().targets().stream().map(TargetSpec::shape).toList();
  }

  /** Trains: short for {@code build().fit()}. */
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
