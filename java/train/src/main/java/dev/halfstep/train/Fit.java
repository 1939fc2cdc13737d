package dev.halfstep.train;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run in progress: everything that changes while {@link Trainer#fit} goes on and does not lie on
 * the device, in one place. Callbacks read it, and end the run with {@link #stop}.
 */
public final class Fit {
  private final TrainerBuilder options;
  private final TrainingPlan plan;
  private final Metric monitor;
  private final long begin = System.nanoTime();
  private double secondsBefore; // it was resumed
  private final List<EpochRecord> epochs = new ArrayList<>();
  private final List<Integer> batchSizes = new ArrayList<>(); // of each epoch, this one included
  private double[] stepLosses = new double[1024];
  private int steps;
  private int epochFirstStep;
  private long updates;
  private long samples;
  private int sample;
  private double lossSum;
  private double weight;
  private double correct;
  private double rows;
  private int bestEpoch;
  private double best;
  private float @Nullable [] bestWeights;
  private Plateau.@Nullable State plateau;
  private final List<EarlyStopping.State> stopping = new ArrayList<>();
  float @Nullable [] average; // of the weights at the ends of so many epochs
  private int averaged;
  private Optional<StopReason> stop = Optional.empty();

  // Where the next performed update stands, if it were not for skipped ones: follows from the
  // above.
  private int scheduleEpoch;
  private long scheduleUpdates; // of the epochs before it

  Fit(TrainerBuilder options, TrainingPlan plan) {
    this.options = options;
    this.plan = plan;
    monitor = options.monitored();
    best = monitor.worst();
    options.plateau.ifPresent(rule -> plateau = rule.begin());
    options.earlyStopping.ifPresent(
        rule -> rule.rules().forEach(part -> stopping.add(part.begin())));
  }

  /** What was planned before the run began. */
  public TrainingPlan plan() {
    return plan;
  }

  /** The epoch that is trained now or was trained last, counted from 1; 0 before the first. */
  public int epoch() {
    return batchSizes.size();
  }

  /** Samples of a full step of this epoch. */
  public int batchSize() {
    return batchSizes.isEmpty() ? plan.batchSize(0) : batchSizes.get(epoch() - 1);
  }

  /** Samples of this epoch that were trained on. */
  public int sample() {
    return sample;
  }

  /** Samples of the whole run that were trained on. */
  public long samples() {
    return samples;
  }

  /** Steps of the whole run so far, skipped ones included. */
  public int steps() {
    return steps;
  }

  /** Steps of this epoch so far, skipped ones included. */
  public int stepsOfEpoch() {
    return steps - epochFirstStep;
  }

  /** Updates performed so far: steps without those that were skipped. */
  public long updates() {
    return updates;
  }

  /** What the steps of this epoch gave so far, weighted by samples. */
  public Metrics metrics() {
    return new Metrics(lossSum, weight, correct, rows);
  }

  /** The complete epochs so far. */
  public List<EpochRecord> epochs() {
    return Collections.unmodifiableList(epochs);
  }

  /** The best epoch so far, as {@link History#bestEpoch} defines it; 0 for none. */
  public int bestEpoch() {
    return bestEpoch;
  }

  /** Wall time since the run began, in seconds. */
  public double seconds() {
    return secondsBefore + (System.nanoTime() - begin) * 1e-9;
  }

  /** What {@link Plateau} has come to multiply the learning rate by. */
  public double plateauMultiplier() {
    return plateau == null ? 1 : plateau.multiplier();
  }

  /**
   * Ends the run at the next chance: after this block of steps. The best weights are restored and
   * test data evaluated as at a run's regular end. The first reason given is the one that counts.
   */
  public void stop(String reason) {
    stop(new StopReason(StopReason.Kind.STOPPED, reason));
  }

  void stop(StopReason reason) {
    if (stop.isEmpty()) {
      stop = Optional.of(reason);
    }
  }

  /** Whether something ended the run before its budget was spent. */
  boolean stopped() {
    return stop.isPresent();
  }

  /** Whether the run goes on after this epoch. */
  boolean goesOn() {
    return !stopped() && !isSpent() && epoch() < plan.budget().epochs();
  }

  /** Whether updates, samples or time are spent. */
  boolean isSpent() {
    return plan.isSpent(updates, samples) || seconds() >= plan.budget().seconds();
  }

  void beginEpoch() {
    batchSizes.add(plan.batchSize(epoch()));
    epochFirstStep = steps;
    sample = 0;
    lossSum = 0;
    weight = 0;
    correct = 0;
    rows = 0;
  }

  /** Whether an epoch was begun and has no record yet, as after resuming within one. */
  boolean isEpochOpen() {
    return epochs.size() < epoch();
  }

  /** Whether samples of this epoch are left. */
  boolean isInEpoch() {
    return sample < plan.samples(batchSize());
  }

  /** Takes in a block of steps; a loss that is not finite ends the run. */
  void endSteps(StepBlock block, int samples) {
    for (int i = 0; i < block.size(); i++) {
      double loss = block.loss(i);
      if (steps == stepLosses.length) {
        stepLosses = Arrays.copyOf(stepLosses, 2 * steps);
      }
      stepLosses[steps++] = loss;
      // One after the other: the sums must not depend on how steps are grouped into blocks.
      lossSum += block.lossSum(i);
      weight += block.weight(i);
      correct += block.correct(i);
      rows += block.rows(i);
      updates += block.skipped(i) ? 0 : 1;
      if (!Double.isFinite(loss)) {
        stop(
            notFinite(
                "the training loss became "
                    + loss
                    + " in step "
                    + steps
                    + " (epoch "
                    + epoch()
                    + ")"));
      }
    }
    sample += samples;
    this.samples += samples;
  }

  /** Takes in a complete epoch; true if it is the best so far. */
  boolean endEpoch(EpochRecord record) {
    epochs.add(record);
    double loss = record.monitoredLoss();
    double value = monitor.of(record);
    if (!Double.isFinite(loss) || Double.isNaN(value)) {
      String what = Double.isFinite(loss) ? monitor.label() : "validation loss";
      double which = Double.isFinite(loss) ? value : loss;
      stop(notFinite("the " + what + " became " + which + " in epoch " + epoch()));
    }
    if (plateau != null) {
      Plateau rule = options.plateau.orElseThrow();
      plateau = rule.next(plateau, rule.metric().of(record));
    }
    options.earlyStopping.ifPresent(rule -> stopEarly(rule, record));
    boolean better = monitor.better(value, best, 0);
    if (better) {
      bestEpoch = epoch();
      best = value;
    }
    return better;
  }

  private void stopEarly(EarlyStopping rule, EpochRecord record) {
    List<EarlyStopping.Rule> parts = rule.rules();
    List<Boolean> spent = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      EarlyStopping.Rule part = parts.get(i);
      EarlyStopping.State state = part.next(stopping.get(i), record);
      stopping.set(i, state);
      spent.add(part.isSpent(state));
      if (part.isSpent(state)) {
        reasons.add(part.described(state));
      }
    }
    if (rule.isOver(spent)) {
      stop(
          new StopReason(
              StopReason.Kind.EARLY_STOPPING,
              "stopped early after epoch " + epoch() + ": " + String.join(", ", reasons)));
    }
  }

  private static StopReason notFinite(String what) {
    return new StopReason(
        StopReason.Kind.NOT_FINITE, what + ": a lower learning rate may prevent it");
  }

  /** Where an update stands that is performed now or, in this epoch, later. */
  Schedule.Progress progress(long update) {
    while (scheduleEpoch + 1 < epoch()
        && update >= scheduleUpdates + plan.updates(batchSizes.get(scheduleEpoch))) {
      scheduleUpdates += plan.updates(batchSizes.get(scheduleEpoch));
      scheduleEpoch++;
    }
    long perEpoch = plan.updates(batchSizes.get(scheduleEpoch));
    double epoch = scheduleEpoch + (double) (update - scheduleUpdates) / perEpoch;
    return new Schedule.Progress(update, epoch, plan.length(), perEpoch);
  }

  void keepWeights(float[] weights) {
    bestWeights = weights;
  }

  Optional<float[]> bestWeights() {
    return Optional.ofNullable(bestWeights);
  }

  /** The mean of the weights at the ends of epochs, these included. */
  float[] average(float[] weights) {
    float[] mean = average == null ? new float[weights.length] : average.clone();
    averaged++;
    for (int i = 0; i < mean.length; i++) {
      mean[i] += (weights[i] - mean[i]) / averaged;
    }
    average = mean;
    return mean;
  }

  History history(Optional<Metrics> test) {
    return new History(
        epochs,
        Arrays.copyOf(stepLosses, steps),
        bestEpoch,
        test,
        stop.orElseGet(this::completed),
        seconds());
  }

  /**
   * Writes all that this class holds but the arrays of weights and the reason to stop, so that
   * {@link #read} can go on from here.
   */
  void write(DataOutput out) throws IOException {
    out.writeLong(options.session.seed);
    out.writeInt(options.train.size());
    out.writeUTF(options.session.optimizer.getClass().getSimpleName());
    out.writeDouble(seconds());
    out.writeInt(steps);
    for (int i = 0; i < steps; i++) {
      out.writeDouble(stepLosses[i]);
    }
    out.writeInt(epochFirstStep);
    out.writeLong(updates);
    out.writeLong(samples);
    out.writeInt(sample);
    RunRecords.write(out, metrics());
    out.writeInt(bestEpoch);
    out.writeDouble(best);
    out.writeInt(averaged);
    out.writeInt(batchSizes.size());
    for (int size : batchSizes) {
      out.writeInt(size);
    }
    out.writeInt(epochs.size());
    for (EpochRecord epoch : epochs) {
      RunRecords.write(out, epoch);
    }
    out.writeBoolean(plateau != null);
    if (plateau != null) {
      RunRecords.write(out, plateau);
    }
    out.writeInt(stopping.size());
    for (EarlyStopping.State state : stopping) {
      RunRecords.write(out, state);
    }
  }

  /**
   * Goes on from where another run of the same options was when it wrote this. An epoch that has
   * begun goes on with the batch size that this run's options give it.
   *
   * @throws IllegalArgumentException if seed, data or optimizer are others
   */
  void read(DataInput in) throws IOException {
    same("the seed", in.readLong(), options.session.seed);
    same("the number of training samples", in.readInt(), options.train.size());
    same("the optimizer", in.readUTF(), options.session.optimizer.getClass().getSimpleName());
    secondsBefore = in.readDouble();
    steps = in.readInt();
    stepLosses = new double[Math.max(1024, steps)];
    for (int i = 0; i < steps; i++) {
      stepLosses[i] = in.readDouble();
    }
    epochFirstStep = in.readInt();
    updates = in.readLong();
    samples = in.readLong();
    sample = in.readInt();
    Metrics sums = RunRecords.metrics(in);
    lossSum = sums.lossSum();
    weight = sums.weight();
    correct = sums.correct();
    rows = sums.rows();
    bestEpoch = in.readInt();
    best = in.readDouble();
    averaged = in.readInt();
    for (int left = in.readInt(); left > 0; left--) {
      batchSizes.add(in.readInt());
    }
    for (int left = in.readInt(); left > 0; left--) {
      epochs.add(RunRecords.epoch(in, epochs.size() + 1));
    }
    if (isEpochOpen()) {
      batchSizes.set(epoch() - 1, plan.batchSize(epoch() - 1));
    }
    same("the use of a plateau", in.readBoolean(), plateau != null);
    if (plateau != null) {
      plateau = RunRecords.plateau(in);
    }
    same("the number of rules of early stopping", in.readInt(), stopping.size());
    for (int i = 0; i < stopping.size(); i++) {
      stopping.set(i, RunRecords.stopping(in));
    }
  }

  private static void same(String what, Object saved, Object given) {
    if (!saved.equals(given)) {
      throw new IllegalArgumentException(
          "the checkpoint cannot be resumed: " + what + " was " + saved + " and is now " + given);
    }
  }

  private StopReason completed() {
    Budget budget = plan.budget();
    String text = "completed";
    if (epoch() < budget.epochs() || isInEpoch()) {
      text =
          updates >= budget.updates()
              ? "completed " + updates + " updates"
              : samples >= budget.samples()
                  ? "completed " + samples + " samples"
                  : "ended after " + budget.seconds() + " s";
    }
    return new StopReason(StopReason.Kind.COMPLETED, text);
  }
}
