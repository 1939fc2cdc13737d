package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.DeviceInfo;
import dev.halfstep.data.CsvData;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.Finding;
import dev.halfstep.train.History;
import dev.halfstep.train.TrainingPlan;
import dev.halfstep.train.WeightTrace;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What {@code report.json} holds; {@code java/cli/REPORT.md} documents every field. Numbers that
 * are not finite are null.
 */
record Report(
    int schema,
    String halfstep,
    String data,
    String model,
    OptimizerReport optimizer,
    RecipeOptions.Recipe recipe,
    String device,
    String deviceName,
    int threads,
    String precision,
    long seed,
    long parameters,
    Samples samples,
    @Nullable String table,
    @Nullable Target target,
    PlanReport plan,
    List<Epoch> epochs,
    List<WeightTrace> traces,
    @Nullable Evaluation test,
    int bestEpoch,
    String stopReason,
    List<Finding> findings,
    double wallSeconds) {

  /** Raised when a field changes its meaning or goes away. */
  static final int SCHEMA = 1;

  /** The report of a run. */
  static Report of(RunSetup setup, Device device, TrainingPlan plan, History history)
      throws IOException {
    DeviceInfo info = device.info();
    return new Report(
        SCHEMA,
        Version.current(),
        setup.data(),
        setup.modelName(),
        OptimizerReport.of(setup.optimizer()),
        setup.recipe().recipe(),
        device.id(),
        info.name() + ", " + info.detail(),
        info.threads(),
        setup.precision(),
        setup.seed(),
        setup.model().parameters().count(),
        setup.samples(),
        setup.csv().map(CsvData::described).orElse(null),
        Target.of(setup),
        PlanReport.of(plan),
        history.epochs().stream().map(epoch -> Epoch.of(epoch, setup.scores())).toList(),
        history.traces(),
        history.test().map(test -> Evaluation.of(test, setup)).orElse(null),
        history.bestEpoch(),
        history.stopReason().text(),
        Advice.after(setup, plan, history),
        history.seconds());
  }

  /** How many samples were trained on, validated with and tested with. */
  record Samples(int train, int validation, int test) {}

  /** The optimizer and what it was set to. */
  record OptimizerReport(String name, float learningRate, float momentum, float weightDecay) {
    static OptimizerReport of(Optimizer optimizer) {
      return new OptimizerReport(
          optimizer.getClass().getSimpleName().toLowerCase(Locale.ROOT),
          optimizer.learningRate(),
          optimizer.momentum(),
          optimizer.weightDecay());
    }

    /** For people: name, learning rate, and what else is set. */
    String described() {
      return name
          + ", learning rate "
          + learningRate
          + ((name.equals("sgd") || name.equals("lars")) && momentum > 0
              ? ", momentum " + momentum
              : "")
          + (weightDecay > 0 ? ", weight decay " + weightDecay : "");
    }
  }

  /** What was known before the run. */
  record PlanReport(
      int batchSize,
      int largestBatch,
      long updatesPerEpoch,
      @Nullable Long totalUpdates,
      long bytes,
      long flops,
      long memoryBytes) {
    static PlanReport of(TrainingPlan plan) {
      return new PlanReport(
          plan.batchSize(),
          plan.largestBatch(),
          plan.updatesPerEpoch(),
          plan.totalUpdates() == Long.MAX_VALUE ? null : plan.totalUpdates(),
          plan.bytes(),
          plan.flops(),
          plan.memory().total());
    }
  }

  /** One complete epoch. */
  record Epoch(
      int epoch,
      @Nullable Double trainLoss,
      @Nullable Double trainAccuracy,
      @Nullable Double valLoss,
      @Nullable Double valAccuracy,
      @Nullable Double valPrecision,
      @Nullable Double valRecall,
      @Nullable Double valF1,
      int steps,
      int batchSize,
      float learningRate,
      double seconds,
      double samplesPerSecond,
      Gradients gradients,
      @Nullable Double noiseScale,
      @Nullable Double signalToNoise) {
    static Epoch of(EpochRecord epoch, Scores scores) {
      Metrics validation = epoch.validation().orElse(null);
      Confusion confusion = epoch.confusion().orElse(null);
      return new Epoch(
          epoch.epoch(),
          Json.number(epoch.train().loss()),
          scores.accuracy(epoch.train()),
          validation == null ? null : Json.number(validation.loss()),
          validation == null ? null : scores.accuracy(validation),
          confusion == null ? null : Json.number(confusion.precision()),
          confusion == null ? null : Json.number(confusion.recall()),
          confusion == null ? null : Json.number(confusion.f1()),
          epoch.steps(),
          epoch.batchSize(),
          epoch.learningRate(),
          epoch.seconds(),
          epoch.samplesPerSecond(),
          Gradients.of(epoch.gradients()),
          Json.number(epoch.noiseScale()),
          Json.number(epoch.signalToNoise()));
    }
  }

  /** Statistics of the gradients of an epoch's last step. */
  record Gradients(
      double mean,
      double meanMagnitude,
      double deviation,
      double minimum,
      double maximum,
      double norm,
      long nonfinite) {
    static Gradients of(GradientStatistics found) {
      return new Gradients(
          found.mean(),
          found.meanMagnitude(),
          found.deviation(),
          found.minimum(),
          found.maximum(),
          found.norm(),
          found.nonfinite());
    }
  }

  /** Loss over test data, and accuracy or, of numbers, error and explained variance. */
  record Evaluation(
      @Nullable Double loss,
      @Nullable Double accuracy,
      @Nullable Double rmse,
      @Nullable Double r2) {
    static Evaluation of(Metrics metrics, RunSetup setup) {
      Scores scores = setup.scores();
      return new Evaluation(
          Json.number(metrics.loss()),
          scores.accuracy(metrics),
          scores.rmse(metrics),
          scores.explained(metrics, setup.test()));
    }
  }

  /** The number that is predicted: losses are those of (y - mean) / deviation. */
  record Target(String name, double mean, double deviation) {
    static @Nullable Target of(RunSetup setup) {
      return setup
          .scores()
          .target()
          .map(target -> new Target(target.name(), target.mean(), target.std()))
          .orElse(null);
    }
  }
}
