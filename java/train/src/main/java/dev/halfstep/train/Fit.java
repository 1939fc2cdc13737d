package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.internal.Cancellation;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.NotFinite;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run in progress: everything that changes while {@link Trainer#fit} goes on and does not lie on
 * the device, in one place. Callbacks read it, and end the run with {@link #stop}.
 */
public final class Fit {
  private final TrainerOptions options;
  private final TrainingPlan plan;
  private long begin;
  private double secondsBefore; // it was resumed
  private final List<EpochRecord> epochs = new ArrayList<>();
  private final List<Integer> batchSizes = new ArrayList<>(); // of each epoch, this one included
  private final StepLog log = new StepLog();
  private final EpochJudge judge;
  private final WeightTraces traces;
  private final IdentityHashMap<Dataset, DataDigest> digests = new IdentityHashMap<>();
  private long samples;
  private int sample;
  private ResponsiveBatch.@Nullable State responsive;
  private Optional<GradientStatistics> gradients = Optional.empty();
  private float @Nullable [] bestWeights;
  @Nullable CheckpointWriter checkpoints;
  float @Nullable [] average; // of the weights at the ends of so many epochs
  private int averaged;
  private Optional<StopReason> stop = Optional.empty();
  private boolean outOfTime; // at the last look at the clock

  // Where the next performed update stands, if it were not for skipped ones: follows from the
  // above.
  private int scheduleEpoch;
  private long scheduleUpdates; // of the epochs before it

  Fit(TrainerOptions options, TrainingPlan plan) {
    this.options = options;
    this.plan = plan;
    judge = new EpochJudge(options);
    traces = new WeightTraces(options.traced);
    options.responsive.ifPresent(rule -> responsive = rule.begin(plan.batchSize(0)));
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
    return log.steps();
  }

  /** Steps of this epoch so far, skipped ones included. */
  public int stepsOfEpoch() {
    return log.stepsOfEpoch();
  }

  /** Updates performed so far: steps without those that were skipped. */
  public long updates() {
    return log.updates();
  }

  /** What the steps of this epoch gave so far, weighted by samples. */
  public Metrics metrics() {
    return log.metrics();
  }

  /** The complete epochs so far. */
  public List<EpochRecord> epochs() {
    return Collections.unmodifiableList(epochs);
  }

  /** The best epoch so far, as {@link History#bestEpoch} defines it; 0 for none. */
  public int bestEpoch() {
    return judge.bestEpoch();
  }

  /**
   * Wall time of the run so far in seconds, which is what {@link Budget#seconds} bounds: from just
   * before {@link Callback#fitBegin}, with the time up to the checkpoint that the run goes on from.
   */
  public double seconds() {
    return secondsBefore + (options.nanoTime.getAsLong() - begin) * 1e-9;
  }

  /** Starts the clock. */
  void begin() {
    begin = options.nanoTime.getAsLong();
  }

  /**
   * Notes whether the time is over, and stops where the thread was interrupted. It becomes so
   * nowhere else, so that all that is decided between two looks agrees.
   */
  void lookAtClock() {
    outOfTime = seconds() >= plan.budget().seconds();
    if (Cancellation.isAsked()) {
      stop(new StopReason(StopReason.Kind.INTERRUPTED, "interrupted"));
    }
  }

  /** What {@link Plateau} has come to multiply the learning rate by. */
  public double plateauMultiplier() {
    return judge.plateauMultiplier();
  }

  /**
   * Ends the run at the next chance: after this block of steps. The best weights are restored and
   * test data evaluated as at a run's regular end. The first reason given is the one that counts.
   */
  public void stop(String reason) {
    stop(new StopReason(StopReason.Kind.STOPPED, reason));
  }

  private void stop(StopReason reason) {
    if (stop.isEmpty()) {
      stop = Optional.of(reason);
    }
  }

  /** Whether the run was ended from outside: it can go on from a checkpoint as if it had not. */
  boolean isBrokenOff() {
    return stop.map(StopReason::kind)
        .filter(kind -> kind != StopReason.Kind.EARLY_STOPPING)
        .filter(kind -> kind != StopReason.Kind.NOT_FINITE)
        .isPresent();
  }

  /** Whether something ended the run before its budget was spent. */
  boolean stopped() {
    return stop.isPresent();
  }

  /** Whether the run goes on after this epoch; looks at the clock. */
  boolean goesOn() {
    lookAtClock();
    return !stopped() && !isSpent() && epoch() < plan.budget().epochs();
  }

  /** Whether updates or samples are spent, or time was at the last look at the clock. */
  boolean isSpent() {
    return plan.isSpent(updates(), samples) || outOfTime;
  }

  void beginEpoch() {
    batchSizes.add(nextBatchSize(epoch()));
    log.beginEpoch();
    sample = 0;
  }

  private int nextBatchSize(int epoch) {
    return responsive == null ? plan.batchSize(epoch) : plan.atMostAll(responsive.batchSize());
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
    gradients = Optional.empty();
    int broken = log.add(block);
    if (broken > 0) {
      double loss = block.loss(block.size() - 1 - (log.steps() - broken));
      stop(
          StopReason.notFinite(
              "the training loss became "
                  + loss
                  + " in step "
                  + broken
                  + " (epoch "
                  + epoch()
                  + ")",
              NotFinite.advice(
                  options.session, options.train, broken == 1 && options.resumed.isEmpty())));
    }
    sample += samples;
    this.samples += samples;
  }

  /** The statistics of the last step's gradients, once they were measured. */
  Optional<GradientStatistics> gradients() {
    return gradients;
  }

  /** Keeps them: a run that goes on from a checkpoint does not have the gradients themselves. */
  void gradients(GradientStatistics measured) {
    gradients = Optional.of(measured);
  }

  /** Whether an epoch that is complete now is the best so far. */
  boolean isBest(EpochRecord record) {
    return judge.isBest(record);
  }

  /** Takes in a complete epoch, after {@link #isBest}. */
  void endEpoch(EpochRecord record) {
    epochs.add(record);
    judge.judge(record).ifPresent(this::stop);
    if (responsive != null && record.noise().isPresent()) {
      responsive = options.responsive.orElseThrow().next(responsive, record.noise().get());
    }
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

  /** Notes the weights that are watched. */
  void trace(TrainingSession session) {
    traces.add(steps(), session);
  }

  /** At the ends of how many epochs the weights of {@link #average} were taken. */
  int averaged() {
    return averaged;
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

  /** What the run was, of whose time the device waited so large a part for data. */
  History history(Optional<Metrics> test, double waiting) {
    return new History(
        epochs,
        log,
        traces.list(),
        bestEpoch(),
        test,
        stop.orElseGet(this::completed),
        seconds(),
        waiting);
  }

  /**
   * Writes all that this class holds but the arrays of weights and the reason to stop, so that
   * {@link #read} can go on from here.
   */
  void write(DataOutput out) throws IOException {
    out.writeLong(options.session.seed());
    writeDigest(out, Optional.of(options.train));
    writeDigest(out, options.validation);
    out.writeUTF(options.session.optimizer().getClass().getSimpleName());
    out.writeDouble(seconds());
    log.write(out);
    out.writeLong(samples);
    out.writeInt(sample);
    out.writeInt(averaged);
    out.writeInt(batchSizes.size());
    for (int size : batchSizes) {
      out.writeInt(size);
    }
    out.writeInt(epochs.size());
    for (EpochRecord epoch : epochs) {
      RunRecords.write(out, epoch);
    }
    judge.write(out);
    out.writeBoolean(responsive != null);
    if (responsive != null) {
      RunRecords.write(out, responsive);
    }
    traces.write(out);
    out.writeBoolean(gradients.isPresent());
    if (gradients.isPresent()) {
      RunRecords.write(out, gradients.get());
    }
  }

  private void writeDigest(DataOutput out, Optional<Dataset> data) throws IOException {
    out.writeBoolean(data.isPresent());
    if (data.isPresent()) {
      digest(data.get()).write(out);
    }
  }

  /** Reads all data, so once in a run and not for each of its checkpoints. */
  private DataDigest digest(Dataset data) {
    return digests.computeIfAbsent(data, DataDigest::of);
  }

  private void readDigest(RunInput in, String which, Optional<Dataset> data) throws IOException {
    same("the use of " + which + " data", in.readBoolean(), data.isPresent());
    if (data.isPresent()) {
      DataDigest.read(in).requireSame(which, digest(data.get()));
    }
  }

  /** What the steps gave, for a checkpoint: the part of a run that grows with every step. */
  StepLog log() {
    return log;
  }

  /**
   * Goes on from where another run of the same options was when it wrote this. An epoch that has
   * begun goes on with the batch size that this run's options give it, or that was measured.
   *
   * @throws IllegalArgumentException if seed, data or optimizer are others
   * @throws IOException if it says what no run can have come to
   */
  void read(RunInput in, double[] losses, float[] gradientNorms, float[] lossScales)
      throws IOException {
    same("the seed", in.readLong(), options.session.seed());
    readDigest(in, "training", Optional.of(options.train));
    readDigest(in, "validation", options.validation);
    same("the optimizer", in.readUTF(), options.session.optimizer().getClass().getSimpleName());
    secondsBefore = in.real("the run's time", 0, Double.MAX_VALUE);
    log.read(in, losses, gradientNorms, lossScales);
    samples = in.longNumber("the number of samples", 0, (long) steps() * options.train.size());
    sample = in.number("the epoch's sample", 0, options.train.size());
    averaged = in.number("the number of averaged epochs", 0, Integer.MAX_VALUE - 1);
    for (int left = in.count("batch sizes", Integer.BYTES); left > 0; left--) {
      batchSizes.add(in.number("a batch size", 1, options.train.size()));
    }
    int complete = in.count("epochs", RunRecords.EPOCH_BYTES);
    if (complete > epoch() || complete < epoch() - 1) {
      throw new IOException(complete + " epochs are complete of " + epoch() + " that were begun");
    }
    int classes = options.validation.map(Dataset::classes).orElse(0);
    while (epochs.size() < complete) {
      epochs.add(RunRecords.epoch(in, epochs.size() + 1, classes));
    }
    judge.read(in);
    if (bestEpoch() < 0 || bestEpoch() > complete || averaged > epoch()) {
      throw new IOException(
          "epoch " + bestEpoch() + " is the best and " + averaged + " are averaged of " + complete);
    }
    same("the use of a responsive batch", in.readBoolean(), responsive != null);
    if (responsive != null) {
      responsive = RunRecords.responsive(in, options.responsive.orElseThrow());
    }
    traces.read(in, steps());
    gradients = in.readBoolean() ? Optional.of(RunRecords.statistics(in)) : Optional.empty();
    in.end();
    if (isEpochOpen()) {
      batchSizes.set(epoch() - 1, nextBatchSize(epoch() - 1));
    }
  }

  /** Throws if a checkpoint has another value of something than the run that is to go on. */
  static void same(String what, Object saved, Object given) {
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
          updates() >= budget.updates()
              ? "completed " + updates() + " updates"
              : samples >= budget.samples()
                  ? "completed " + samples + " samples"
                  : "ended after "
                      + budget.seconds()
                      + (steps() == 0 ? " s, before the first step" : " s");
    }
    return new StopReason(StopReason.Kind.COMPLETED, text);
  }
}
