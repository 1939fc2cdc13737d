package dev.halfstep.train;

import dev.halfstep.data.Dataset;
import dev.halfstep.graph.Plan;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.session.MemoryUse;
import dev.halfstep.session.SessionBuilder;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The plan of a run, known before it begins: its number of updates, their number of samples, and
 * the cost of an update.
 */
public final class TrainingPlan {
  private final Budget budget;
  private final BatchSchedule batches;
  private final int batchSize;
  private final int trainSamples;
  private final boolean dropLast;
  private final Optional<ResponsiveBatch> responsive;
  private final int largestBatch;
  private final int epochs;
  private final double length;
  private final long totalUpdates;
  private final Plan step;
  private final MemoryUse memory;

  /**
   * The plan of a run.
   *
   * @param callbackBatch the largest batch that a callback may set; 0 if none sets one
   */
  TrainingPlan(
      SessionBuilder session,
      Dataset train,
      Budget budget,
      BatchSchedule batches,
      Optional<ResponsiveBatch> responsive,
      int callbackBatch,
      boolean dropLast) {
    this.budget = budget;
    this.batches = batches;
    this.responsive = responsive;
    this.dropLast = dropLast;
    batchSize = session.batchSize();
    trainSamples = train.size();
    Set<Integer> sizes = new TreeSet<>(possible(batchSize(0)));
    if (callbackBatch > 0) {
      sizes.add(atMostAll(callbackBatch));
    }
    int epoch = 0;
    double parts = 0;
    long updates = 0;
    long samples = 0;
    boolean counted = budget.isCounted();
    boolean planned = responsive.isEmpty();
    while (counted && epoch < budget.epochs() && !isSpent(updates, samples)) {
      int batch = batchSize(epoch++);
      sizes.add(batch);
      long all = updates(batch);
      long some = Math.min(all, updatesLeft(updates, samples, batch));
      updates += some;
      samples += Math.min(some * batch, samples(batch));
      parts += (double) some / all;
    }
    largestBatch = sizes.stream().reduce(1, Math::max);
    epochs = counted && (planned || lastsEpochs()) ? epoch : Integer.MAX_VALUE;
    length = counted && (planned || lastsEpochs()) ? parts : Double.POSITIVE_INFINITY;
    totalUpdates = counted && planned ? updates : Long.MAX_VALUE;
    sizes.forEach(size -> requireLastBatch(session, train, samples(size), size));
    SessionBuilder largest = session.batchSize(largestBatch);
    step = largest.plan(train);
    memory = largest.memory(train);
  }

  /** All batch sizes that a run may use if it begins with this one. */
  private Set<Integer> possible(int first) {
    Set<Integer> sizes = new TreeSet<>();
    if (responsive.isEmpty()) {
      sizes.add(first);
    } else {
      ResponsiveBatch rule = responsive.get();
      for (int start : new int[] {rule.begin(first).batchSize(), rule.least(), rule.most()}) {
        for (long up = start; up <= rule.most(); up *= 2) {
          sizes.add(atMostAll((int) up));
        }
        for (int down = start; down >= rule.least(); down /= 2) {
          sizes.add(atMostAll(down));
        }
      }
    }
    return sizes;
  }

  /** Whether the length in epochs does not depend on the number of updates per epoch. */
  private boolean lastsEpochs() {
    return budget.updates() == Long.MAX_VALUE;
  }

  /**
   * Throws now the exception that a last batch of one sample would cause in mid-epoch if a layer
   * such as batch normalisation cannot train on one value.
   *
   * @param samples the number of samples that are trained in steps of {@code size}
   */
  static void requireLastBatch(SessionBuilder session, Dataset train, int samples, int size) {
    int last = samples % size;
    int computed = Math.min(size, session.microBatch());
    if (last % computed == 1 || computed == 1 || (last == 0 && size % computed == 1)) {
      session.requireStep(train, 1);
    }
  }

  /** How long the run may last. */
  public Budget budget() {
    return budget;
  }

  /** The number of epochs, including an incomplete last one; 2^31 - 1 if it is not known. */
  public int epochs() {
    return epochs;
  }

  /**
   * The run's length in epochs, with a fraction; infinite if the budget has only a time, or a
   * number of updates whose batch sizes are not known beforehand.
   */
  public double length() {
    return length;
  }

  /** Samples of a full step, if no schedule changes it. */
  public int batchSize() {
    return batchSize;
  }

  /**
   * Samples of a full step of an epoch, at most all training samples.
   *
   * @param epoch counts from 0
   */
  public int batchSize(int epoch) {
    double epochsOfUpdates = (double) budget.updates() / updates(batchSize);
    double epochsOfSamples = (double) budget.samples() / trainSamples;
    double most = Math.min(budget.epochs(), Math.min(epochsOfUpdates, epochsOfSamples));
    int scheduled =
        batches.batchSize(epoch, budget.isCounted() ? most : Double.POSITIVE_INFINITY, batchSize);
    if (scheduled < 1) {
      throw new IllegalStateException(
          "the batch schedule gives " + scheduled + " samples in epoch " + (epoch + 1));
    }
    return atMostAll(scheduled);
  }

  /** The batch size, but at most the number of training samples. */
  int atMostAll(int batchSize) {
    return Math.min(batchSize, trainSamples);
  }

  /** The largest batch of the run, for which it allocates memory. */
  public int largestBatch() {
    return largestBatch;
  }

  /**
   * The number of training samples of an epoch with this batch size: all, or with {@code dropLast}
   * those of full batches.
   */
  public int samples(int batchSize) {
    return samplesAfter(0, batchSize);
  }

  /** As above, for the samples of an epoch after its first {@code first}. */
  int samplesAfter(int first, int batchSize) {
    int left = trainSamples - first;
    return dropLast ? left / batchSize * batchSize : left;
  }

  /** The number of training samples. */
  public int trainSamples() {
    return trainSamples;
  }

  /**
   * Updates of an epoch with this batch size: ceil(samples / batchSize), including a short last
   * one.
   */
  public long updates(int batchSize) {
    return (samples(batchSize) + batchSize - 1L) / batchSize;
  }

  /** Updates of the first epoch, and of every other one if no schedule changes the batch size. */
  public long updatesPerEpoch() {
    return updates(batchSize(0));
  }

  /**
   * Updates of the whole run, if nothing ends it early; 2^63 - 1 if the budget has only a time, or
   * if the batch size depends on measurements.
   */
  public long totalUpdates() {
    return totalUpdates;
  }

  /** The kernel calls of a full step of the largest batch, with their bytes and FLOPs. */
  public Plan step() {
    return step;
  }

  /** The device memory of the run. */
  public MemoryUse memory() {
    return memory;
  }

  /** Memory traffic of a full step in bytes: the bytes that all kernel calls read and write. */
  public long bytes() {
    return step.bytes();
  }

  /** Floating-point operations of a full step. */
  public long flops() {
    return step.flops();
  }

  /** Whether {@code updates} updates or {@code samples} samples spend the budget. */
  boolean isSpent(long updates, long samples) {
    return updates >= budget.updates() || samples >= budget.samples();
  }

  /**
   * The number of further updates of {@code batchSize} samples each that the budget allows, at
   * least 0.
   */
  long updatesLeft(long updates, long samples, int batchSize) {
    long bySamples = (budget.samples() - samples) / batchSize;
    boolean one = (budget.samples() - samples) % batchSize > 0;
    return Math.max(0, Math.min(budget.updates() - updates, bySamples + (one ? 1 : 0)));
  }
}
