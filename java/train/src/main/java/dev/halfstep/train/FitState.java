package dev.halfstep.train;

import dev.halfstep.internal.Cancellation;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything that changes during {@link Trainer#fit} and is not on the device. A checkpoint stores
 * it ({@link FitRecords}).
 */
final class FitState implements Fit {
  private final TrainerOptions options;
  private final TrainingPlan plan;
  private long begin;
  private boolean outOfTime; // whether the time was over at the last check of the clock
  private boolean acting; // whether a callback may change the run now
  private Optional<StopReason> stop = Optional.empty();

  // FitRecords writes and reads the following fields.
  final StepLog log = new StepLog();
  final EpochJudge judge;
  final WeightTraces traces;
  final BatchSizes batches;
  final KeptWeights weights = new KeptWeights();
  final List<EpochRecord> epochs = new ArrayList<>();
  final List<RunChange> changes = new ArrayList<>();
  double secondsBefore; // seconds up to the checkpoint of a resumed run
  long samples;
  int sample;
  ResponsiveBatch.@Nullable State responsive;
  Optional<GradientStatistics> gradients = Optional.empty(); // of the last step, if measured

  FitState(TrainerOptions options, TrainingPlan plan) {
    this.options = options;
    this.plan = plan;
    judge = new EpochJudge(options);
    traces = new WeightTraces(options.traced);
    batches = new BatchSizes(plan);
    options.responsive.ifPresent(rule -> responsive = rule.begin(plan.batchSize(0)));
  }

  @Override
  public TrainingPlan plan() {
    return plan;
  }

  @Override
  public int epoch() {
    return batches.epoch();
  }

  @Override
  public int batchSize() {
    return batches.size();
  }

  @Override
  public int sample() {
    return sample;
  }

  @Override
  public long samples() {
    return samples;
  }

  @Override
  public int steps() {
    return log.steps();
  }

  @Override
  public int stepsOfEpoch() {
    return log.stepsOfEpoch();
  }

  @Override
  public long updates() {
    return log.updates();
  }

  @Override
  public Metrics metrics() {
    return log.metrics();
  }

  @Override
  public double stepLoss(int step) {
    return log.loss(step);
  }

  @Override
  public List<EpochRecord> epochs() {
    return Collections.unmodifiableList(epochs);
  }

  @Override
  public int bestEpoch() {
    return judge.bestEpoch();
  }

  @Override
  public double seconds() {
    return secondsBefore + (options.nanoTime.getAsLong() - begin) * 1e-9;
  }

  @Override
  public double plateauMultiplier() {
    return judge.plateauMultiplier();
  }

  @Override
  public double rateFactor() {
    return change().rateFactor();
  }

  @Override
  public List<RunChange> changes() {
    return Collections.unmodifiableList(changes);
  }

  private RunChange change() {
    return changes.isEmpty() ? RunChange.NONE : changes.get(changes.size() - 1);
  }

  @Override
  public void stop(String reason) {
    stop(new StopReason(StopReason.Kind.STOPPED, Objects.requireNonNull(reason, "reason")));
  }

  private void stop(StopReason reason) {
    if (stop.isEmpty()) {
      stop = Optional.of(reason);
    }
  }

  @Override
  public void rateFactor(double factor) {
    requireActing("the learning rate");
    if (!(factor >= 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException(
          "the factor of the learning rate must be finite and at least 0, not " + factor);
    }
    change(new RunChange(steps(), factor, change().batchSize()));
  }

  @Override
  public void batchSize(int samples) {
    requireActing("the batch size");
    if (samples < 1 || samples > plan.largestBatch()) {
      throw new IllegalArgumentException(
          "a callback set the batch size "
              + samples
              + ", but the run has memory for 1 to "
              + plan.largestBatch()
              + ": give the trainer a largestBatch(...)");
    }
    TrainingPlan.requireLastBatch(
        options.session, options.train, plan.samplesAfter(0, samples), samples);
    if (isInEpoch()) {
      TrainingPlan.requireLastBatch(
          options.session, options.train, plan.samplesAfter(sample, samples), samples);
      batches.change(sample, samples);
    }
    change(new RunChange(steps(), rateFactor(), samples));
  }

  private void change(RunChange change) {
    if (change().step() == change.step()) {
      changes.removeIf(earlier -> earlier.step() == change.step());
    }
    changes.add(change);
  }

  private void requireActing(String what) {
    if (!acting) {
      throw new IllegalStateException(
          what + " of a run can be changed in stepsEnd and epochEnd alone");
    }
  }

  /** Calls callbacks, which may change the run during the call. */
  void tell(Runnable callbacks) {
    acting = true;
    try {
      callbacks.run();
    } finally {
      acting = false;
    }
  }

  /** Starts the clock. */
  void begin() {
    begin = options.nanoTime.getAsLong();
  }

  /**
   * Notes whether the time is over, and stops the run if the thread was interrupted. Only this
   * method does so, so that all decisions between two calls agree.
   */
  void lookAtClock() {
    outOfTime = seconds() >= plan.budget().seconds();
    if (Cancellation.isAsked()) {
      stop(new StopReason(StopReason.Kind.INTERRUPTED, "interrupted"));
    }
  }

  /** Whether the run was ended from outside, so that it can be resumed from a checkpoint. */
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

  /** Whether the run continues after this epoch; checks the clock. */
  boolean goesOn() {
    lookAtClock();
    return !stopped() && !isSpent() && epoch() < plan.budget().epochs();
  }

  /**
   * Whether the budget of updates or samples is spent, or that of time was at the last check of the
   * clock.
   */
  boolean isSpent() {
    return plan.isSpent(updates(), samples) || outOfTime;
  }

  void beginEpoch() {
    batches.beginEpoch(scheduledBatch(epoch()));
    log.beginEpoch();
    sample = 0;
  }

  /** Continues a resumed epoch with the batch size that the current options give it. */
  void resumeEpoch() {
    if (isEpochOpen() && isInEpoch()) {
      batches.change(sample, scheduledBatch(epoch() - 1));
    }
  }

  /** The batch size of an epoch, counted from 0, by callbacks, measurements or the schedule. */
  private int scheduledBatch(int epoch) {
    if (change().batchSize() > 0) {
      return plan.atMostAll(change().batchSize());
    }
    return responsive == null ? plan.batchSize(epoch) : plan.atMostAll(responsive.batchSize());
  }

  /** Whether an epoch was begun and has no record yet, as after resuming in mid-epoch. */
  boolean isEpochOpen() {
    return epochs.size() < epoch();
  }

  /** Whether samples of this epoch are left. */
  boolean isInEpoch() {
    return sample < batches.samplesOfEpoch();
  }

  /** Samples of this epoch that are left to train on. */
  int samplesLeft() {
    return batches.samplesOfEpoch() - sample;
  }

  /** Adds a block of steps; a loss that is not finite ends the run. */
  void endSteps(StepBlock block, int samples) {
    gradients = Optional.empty();
    int broken = log.add(block);
    if (broken > 0) {
      boolean untrained = broken == 1 && options.resumed.isEmpty();
      stop(
          StopReason.notFinite(
              "the training loss became "
                  + log.loss(broken - 1)
                  + " in step "
                  + broken
                  + " (epoch "
                  + epoch()
                  + ")",
              options.session.adviceOnNotFinite(options.train, untrained)));
    }
    sample += samples;
    this.samples += samples;
  }

  /** Whether an epoch that is complete now is the best so far. */
  boolean isBest(EpochRecord record) {
    return judge.isBest(record);
  }

  /** Adds a complete epoch, after {@link #isBest}. */
  void endEpoch(EpochRecord record) {
    epochs.add(record);
    judge.judge(record).ifPresent(this::stop);
    if (responsive != null && record.noise().isPresent()) {
      responsive = options.responsive.orElseThrow().next(responsive, record.noise().get());
    }
  }

  /** Records the traced weights. */
  void trace(TrainingSession session) {
    traces.add(steps(), session);
  }

  /**
   * The history of the run; the device waited for data during the share {@code waiting} of its
   * time.
   */
  History history(Optional<Metrics> test, double waiting) {
    StopReason reason = stop.orElseGet(this::completed);
    return new History(this, log, traces.list(), test, reason, waiting);
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
