package dev.halfstep.study;

import dev.halfstep.internal.Cancellation;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.train.Budget;
import dev.halfstep.train.History;
import dev.halfstep.train.TrainerBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.LongFunction;

/**
 * Repeats a run with different batch sizes and several seeds each. All batch sizes have the
 * trainer's learning rate unless {@link TrainerBuilder#scaling} scales it. Each row of the result
 * has its learning rate.
 *
 * <pre>{@code
 * BatchSizeStudy.Result result =
 *     BatchSizeStudy.ofEpochs(20, 8, 32, 128)
 *         .withSeeds(3)
 *         .run(seed -> Trainer.builder(model, train).test(heldOut).seed(seed));
 * }</pre>
 *
 * @param batchSizes to compare
 * @param budget the length of each run: equal epochs or equal updates; equal updates are different
 *     amounts of data
 * @param seeds the number of runs for each batch size, with the seeds 1, 2, ...
 */
public record BatchSizeStudy(List<Integer> batchSizes, Budget budget, int seeds) {
  private static final int PROBES = 16;

  /** Checks the numbers. */
  public BatchSizeStudy {
    if (batchSizes.isEmpty() || batchSizes.stream().anyMatch(size -> size < 1) || seeds < 1) {
      throw new IllegalArgumentException(
          "a study needs batch sizes of at least 1 and at least 1 seed, not "
              + batchSizes
              + " and "
              + seeds);
    }
    batchSizes = List.copyOf(batchSizes);
  }

  /** A study with equal epochs: the same amount of data, but fewer updates with larger batches. */
  public static BatchSizeStudy ofEpochs(int epochs, int... batchSizes) {
    return new BatchSizeStudy(
        Arrays.stream(batchSizes).boxed().toList(), Budget.ofEpochs(epochs), 1);
  }

  /** A study with equal updates: more data with larger batches. */
  public static BatchSizeStudy ofUpdates(long updates, int... batchSizes) {
    return new BatchSizeStudy(
        Arrays.stream(batchSizes).boxed().toList(), Budget.ofUpdates(updates), 1);
  }

  /** The same study with another number of runs for each batch size. */
  public BatchSizeStudy withSeeds(int seeds) {
    return new BatchSizeStudy(batchSizes, budget, seeds);
  }

  /** Mean and standard deviation over seeds; the deviation of one run is 0. */
  public record Spread(double mean, double deviation) {
    static Spread of(List<Double> values) {
      double mean = values.stream().mapToDouble(v -> v).average().orElse(Double.NaN);
      double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
      int n = values.size();
      return new Spread(mean, n < 2 ? 0 : Math.sqrt(squares / (n - 1)));
    }

    /** As a share in percent. */
    String percent() {
      return String.format(Locale.ROOT, "%.2f +- %.2f", 100 * mean, 100 * deviation);
    }
  }

  /**
   * The results of the runs with one batch size.
   *
   * @param updatesPerEpoch ceil(samples / batch size)
   * @param updates of the whole run
   * @param secondsPerEpoch wall time of training
   * @param learningRate before schedules
   * @param trainAccuracy over all training samples with the best epoch's weights, not during the
   *     epoch, when the weights were still worse
   * @param testAccuracy over the test data (validation data, if there are no others) with the same
   *     weights
   * @param gap trainAccuracy - testAccuracy: the generalisation gap, above 0 if the model predicts
   *     the training samples better than new ones
   * @param gradientNorm the mean norm of the gradients of batches of this size at those weights
   * @param gradientVariance the mean squared distance of such gradients from their mean
   */
  public record Row(
      int batchSize,
      double learningRate,
      long updatesPerEpoch,
      long updates,
      Spread secondsPerEpoch,
      Spread trainAccuracy,
      Spread testAccuracy,
      Spread gap,
      Spread gradientNorm,
      Spread gradientVariance) {}

  /** The results of a study, one row per batch size, in order. */
  public record Result(List<Row> rows) {
    /** The rows as a table. */
    @Override
    public String toString() {
      StringBuilder table =
          new StringBuilder(
              String.format(
                  Locale.ROOT,
                  "%10s %10s %14s %8s %9s  %-15s %-15s %-15s %10s %10s%n",
                  "batch size",
                  "rate",
                  "updates/epoch",
                  "updates",
                  "s/epoch",
                  "train (%)",
                  "test (%)",
                  "gap (%)",
                  "|g|",
                  "variance"));
      for (Row row : rows) {
        table.append(
            String.format(
                Locale.ROOT,
                "%10d %10s %14d %8d %9.3f  %-15s %-15s %-15s %10.3g %10.3g%n",
                row.batchSize,
                Figures.of(row.learningRate),
                row.updatesPerEpoch,
                row.updates,
                row.secondsPerEpoch.mean,
                row.trainAccuracy.percent(),
                row.testAccuracy.percent(),
                row.gap.percent(),
                row.gradientNorm.mean,
                row.gradientVariance.mean));
      }
      long rates = rows.stream().mapToDouble(Row::learningRate).distinct().count();
      if (rows.size() > 1) {
        table.append(
            rates == 1
                ? "The learning rate is the same for all batch sizes, not scaled with them."
                : "The learning rate is scaled with the batch size.");
        table.append(System.lineSeparator());
      }
      return table.toString();
    }
  }

  /**
   * Makes all runs.
   *
   * @param run makes a trainer with a new model for a seed; the study sets batch size and budget
   * @throws IllegalArgumentException if there are neither test nor validation data
   * @throws java.util.concurrent.CancellationException if the thread is interrupted; its interrupt
   *     flag stays set
   * @throws IllegalStateException if a run ends without a complete epoch, because it diverged or
   *     its time was up
   */
  public Result run(LongFunction<TrainerBuilder> run) {
    List<Row> rows = new ArrayList<>();
    for (int batchSize : batchSizes) {
      rows.add(row(batchSize, run));
    }
    return new Result(List.copyOf(rows));
  }

  private Row row(int batchSize, LongFunction<TrainerBuilder> run) {
    List<Double> seconds = new ArrayList<>();
    List<Double> train = new ArrayList<>();
    List<Double> test = new ArrayList<>();
    List<Double> gap = new ArrayList<>();
    List<Double> norm = new ArrayList<>();
    List<Double> variance = new ArrayList<>();
    double rate = 0;
    long perEpoch = 0;
    int updates = 0;
    for (int seed = 1; seed <= seeds; seed++) {
      TrainerBuilder trainer = run.apply(seed).batchSize(batchSize).budget(budget);
      rate = trainer.learningRate();
      perEpoch = trainer.build().plan().updatesPerEpoch();
      History history = trainer.fit();
      Cancellation.check("the study at batch size " + batchSize);
      if (history.epochs().isEmpty()) {
        throw new IllegalStateException(
            "the run with batch size "
                + batchSize
                + " and seed "
                + seed
                + " has no complete epoch to compare: "
                + history.stopReason().text());
      }
      EpochRecord best = history.epochs().get(Math.max(history.bestEpoch() - 1, 0));
      Metrics held =
          history
              .test()
              .or(best::validation)
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "a study compares accuracies on data that were not trained on: give"
                              + " test or validation data"));
      updates = history.stepLosses().length;
      seconds.add(history.epochs().stream().mapToDouble(EpochRecord::seconds).average().orElse(0));
      double known = trainAccuracy(trainer);
      train.add(known);
      test.add(held.accuracy());
      gap.add(known - held.accuracy());
      probe(trainer, batchSize, seed, norm, variance);
    }
    return new Row(
        batchSize,
        rate,
        perEpoch,
        updates,
        Spread.of(seconds),
        Spread.of(train),
        Spread.of(test),
        Spread.of(gap),
        Spread.of(norm),
        Spread.of(variance));
  }

  /** The training accuracy with the weights that the run left in the model. */
  private static double trainAccuracy(TrainerBuilder trainer) {
    try (TrainingSession session = trainer.sessionOptions().open()) {
      return session.evaluate(trainer.trainingData()).accuracy();
    }
  }

  private static void probe(
      TrainerBuilder trainer, int batchSize, long seed, List<Double> norm, List<Double> variance) {
    try (GradientProbe probe =
        new GradientProbe(trainer.sessionOptions(), trainer.trainingData())) {
      List<float[]> gradients = probe.gradients(PROBES, batchSize, seed);
      norm.add(
          gradients.stream()
              .mapToDouble(gradient -> Math.sqrt(NoiseScale.square(gradient)))
              .average()
              .orElse(0));
      variance.add(GradientProbe.variance(gradients));
    }
  }
}
