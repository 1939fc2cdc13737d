package dev.halfstep.report;

import dev.halfstep.data.CsvData;
import dev.halfstep.data.CsvDoubt;
import dev.halfstep.data.Dataset;
import dev.halfstep.session.SessionOptions;
import dev.halfstep.study.Advisor;
import dev.halfstep.study.Finding;
import dev.halfstep.study.RulesOfThumb;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerOptions;
import dev.halfstep.train.TrainingPlan;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Collects mistakes in a run and doubts about its data, for reports and as text for people. */
public final class Advice {
  private static final Set<String> ON_DATA =
      Arrays.stream(CsvDoubt.Kind.values()).map(Enum::name).collect(Collectors.toSet());

  private Advice() {}

  /** The findings before a run: doubts about the data first, then mistakes. */
  public static List<Finding> before(Trainer trainer, RunDescription run) {
    return withDoubts(run, advisor(trainer, run).findings());
  }

  /** The findings after a run. */
  public static List<Finding> after(Trainer trainer, History history, RunDescription run) {
    return withDoubts(run, advisor(trainer, run).history(history).findings());
  }

  /** Doubts about the data, and then others. */
  public static List<Finding> withDoubts(RunDescription run, List<Finding> others) {
    return Stream.concat(
            run.table().map(CsvData::doubts).orElse(List.of()).stream().map(Advice::finding),
            others.stream())
        .toList();
  }

  private static Finding finding(CsvDoubt doubt) {
    return new Finding(
        Finding.Code.valueOf(doubt.kind().name()),
        Finding.Severity.WARNING,
        doubt.evidence(),
        doubt.advice());
  }

  /** An advisor that is given every setting of a trainer and of a description. */
  public static Advisor advisor(Trainer trainer, RunDescription run) {
    TrainerOptions options = trainer.options();
    SessionOptions session = options.sessionOptions();
    TrainingPlan plan = trainer.plan();
    Dataset train = options.trainingData();
    Advisor advisor =
        Advisor.of(train.size(), session.batchSize(), options.learningRate())
            .optimizer(session.optimizer())
            .usualBatches(usualBatches(options, train.size()))
            .trainingData(train)
            .epochs(plan.epochs())
            .validation(options.validationData().map(Dataset::size).orElse(0))
            .batchNorm(hasBatchNorm(session))
            .dropLast(options.dropsLast())
            .microBatch(session.microBatch());
    if (options.testData().isPresent()) {
      advisor = advisor.heldOut("test", train, options.testData().get());
    }
    if (options.validationData().isPresent()) {
      advisor = advisor.heldOut("validation", train, options.validationData().get());
    }
    boolean grows = plan.largestBatch() > session.batchSize();
    return run.recipe().changesBatchWithoutRate()
        ? advisor.rateChosenFor(grows ? plan.largestBatch() : plan.batchSize(0))
        : advisor;
  }

  /**
   * The rule of thumb for such data and such a model.
   *
   * @param largest the largest batch that may be advised
   */
  public static RulesOfThumb.Range usualBatches(TrainerOptions trainer, int largest) {
    boolean images = trainer.trainingData().sampleShape().rank() == 3;
    return RulesOfThumb.batchSizes(
        images ? RulesOfThumb.Task.IMAGES : RulesOfThumb.Task.OTHER,
        trainer.trainingData().size(),
        hasBatchNorm(trainer.sessionOptions()),
        largest);
  }

  /** Whether the model normalises over batches. */
  private static boolean hasBatchNorm(SessionOptions session) {
    return session.model().parameters().list().stream()
        .anyMatch(parameter -> parameter.name().endsWith("running_mean"));
  }

  /** A line for each finding, without the doubts about the data, which have a list of their own. */
  public static String lines(List<Finding> findings) {
    return findings.stream()
        .filter(finding -> !ON_DATA.contains(finding.code().name()))
        .map(Advice::line)
        .collect(Collectors.joining());
  }

  /** A line for each doubt about the data. */
  public static String onData(List<CsvDoubt> doubts) {
    return doubts.stream().map(doubt -> line(finding(doubt))).collect(Collectors.joining());
  }

  private static String line(Finding finding) {
    return String.format(
        "%-8s %s: %s; %s%n",
        finding.severity().name().toLowerCase(Locale.ROOT),
        name(finding),
        OneLine.of(finding.evidence()),
        OneLine.of(finding.advice()));
  }

  private static String name(Finding finding) {
    return finding.code().name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
