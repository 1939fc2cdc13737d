package dev.halfstep.report;

import dev.halfstep.Device;
import dev.halfstep.DeviceInfo;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.Dataset;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.SessionOptions;
import dev.halfstep.study.Finding;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerOptions;
import dev.halfstep.train.TrainingPlan;
import dev.halfstep.train.WeightTrace;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What {@code report.json} holds; {@code java/report/REPORT.md} documents every field. Numbers that
 * are not finite are null.
 *
 * <pre>{@code
 * Trainer trainer = Trainer.builder(model, train).validation(heldOut).build();
 * Report.of(trainer, trainer.fit()).write(Path.of("report.json"));
 * }</pre>
 */
public record Report(
    int schema,
    String halfstep,
    String data,
    String model,
    OptimizerReport optimizer,
    Recipe recipe,
    String device,
    String deviceName,
    int threads,
    String precision,
    long seed,
    long parameters,
    Samples samples,
    @Nullable String table,
    @Nullable Target target,
    Planned plan,
    List<Epoch> epochs,
    List<WeightTrace> traces,
    @Nullable Evaluated test,
    int bestEpoch,
    String stopReason,
    List<Finding> findings,
    double wallSeconds)
    implements JsonDocument {

  /** Raised when a field changes its meaning or goes away. */
  public static final int SCHEMA = 1;

  /**
   * The report of a run.
   *
   * @param trainer that made the run; a device that it was given is still open
   */
  public static Report of(Trainer trainer, History history) {
    return of(trainer, history, RunDescription.of(trainer));
  }

  /**
   * The report of a run.
   *
   * @param trainer that made the run; a device that it was given is still open
   * @param run what the trainer does not know of it
   */
  public static Report of(Trainer trainer, History history, RunDescription run) {
    return onDevice(trainer, device -> of(trainer, history, run, device));
  }

  private static Report of(Trainer trainer, History history, RunDescription run, Device device) {
    SessionOptions session = trainer.options().sessionOptions();
    Scores scores = Scores.of(trainer, run);
    DeviceInfo info = device.info();
    return new Report(
        SCHEMA,
        HalfstepVersion.current(),
        run.data(),
        run.model(),
        OptimizerReport.of(session.optimizer()),
        run.recipe(),
        device.id(),
        info.name() + ", " + info.detail(),
        info.threads(),
        precision(session),
        session.seed(),
        session.model().parameters().count(),
        Samples.of(trainer.options()),
        run.table().map(CsvData::described).orElse(null),
        Target.of(scores),
        Planned.of(trainer.plan()),
        history.epochs().stream().map(epoch -> Epoch.of(epoch, scores)).toList(),
        history.traces(),
        history
            .test()
            .map(test -> Evaluated.of(test, scores, trainer.options().testData()))
            .orElse(null),
        history.bestEpoch(),
        history.stopReason().text(),
        Advice.after(trainer, history, run),
        history.seconds());
  }

  /** Describes the trainer's device; if the trainer was given none, opens one as the run did. */
  static <T> T onDevice(Trainer trainer, Function<Device, T> use) {
    SessionOptions session = trainer.options().sessionOptions();
    Device given = session.device();
    if (given != null) {
      return use.apply(given);
    }
    try (Device device = Device.open(session.deviceId())) {
      return use.apply(device);
    }
  }

  /** The storage type of activations and weight copies, as {@code --precision} names it. */
  static String precision(SessionOptions session) {
    return switch (session.storage()) {
      case F32 -> session.tf32() ? "tf32" : "fp32";
      case F16 -> "fp16";
      default -> session.storage().name().toLowerCase(Locale.ROOT);
    };
  }

  /** How many samples were trained on, validated with and tested with. */
  public record Samples(int train, int validation, int test) {
    static Samples of(TrainerOptions trainer) {
      return new Samples(
          trainer.trainingData().size(),
          trainer.validationData().map(Dataset::size).orElse(0),
          trainer.testData().map(Dataset::size).orElse(0));
    }
  }

  /** The optimizer and its settings. */
  public record OptimizerReport(
      String name, float learningRate, float momentum, float weightDecay) {
    static OptimizerReport of(Optimizer optimizer) {
      return new OptimizerReport(
          optimizer.getClass().getSimpleName().toLowerCase(Locale.ROOT),
          optimizer.learningRate(),
          optimizer.momentum(),
          optimizer.weightDecay());
    }

    /** Name, learning rate and other settings, as text for people. */
    public String described() {
      return name
          + ", learning rate "
          + learningRate
          + ((name.equals("sgd") || name.equals("lars")) && momentum > 0
              ? ", momentum " + momentum
              : "")
          + (weightDecay > 0 ? ", weight decay " + weightDecay : "");
    }
  }

  /** The sizes and costs that were known before the run. */
  public record Planned(
      int batchSize,
      int largestBatch,
      long updatesPerEpoch,
      @Nullable Long totalUpdates,
      long bytes,
      long flops,
      long memoryBytes) {
    static Planned of(TrainingPlan plan) {
      return new Planned(
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
  public record Epoch(
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
  public record Gradients(
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
  public record Evaluated(
      @Nullable Double loss,
      @Nullable Double accuracy,
      @Nullable Double rmse,
      @Nullable Double r2) {
    static Evaluated of(Metrics metrics, Scores scores, Optional<Dataset> data) {
      return new Evaluated(
          Json.number(metrics.loss()),
          scores.accuracy(metrics),
          scores.rmse(metrics),
          data.map(test -> scores.explained(metrics, test)).orElse(null));
    }
  }

  /** The number that is predicted: losses are those of (y - mean) / deviation. */
  public record Target(String name, double mean, double deviation) {
    static @Nullable Target of(Scores scores) {
      return scores
          .target()
          .map(target -> new Target(target.name(), target.mean(), target.std()))
          .orElse(null);
    }
  }
}
