package dev.halfstep.cli;

import dev.halfstep.data.CsvDoubt;
import dev.halfstep.study.Advisor;
import dev.halfstep.study.Finding;
import dev.halfstep.study.RulesOfThumb;
import dev.halfstep.train.History;
import dev.halfstep.train.TrainingPlan;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the commands say of mistakes in a run. */
final class Advice {
  private static final Set<String> ON_DATA =
      Arrays.stream(CsvDoubt.Kind.values()).map(Enum::name).collect(Collectors.toSet());

  private Advice() {}

  /** What there is to say before a run. */
  static List<Finding> before(RunSetup setup, TrainingPlan plan) {
    return withDoubts(setup, advisor(setup, plan).findings());
  }

  /** What there is to say after it. */
  static List<Finding> after(RunSetup setup, TrainingPlan plan, History history) {
    return withDoubts(setup, advisor(setup, plan).history(history).findings());
  }

  /** Doubts about the data, and then others. */
  static List<Finding> withDoubts(RunSetup setup, List<Finding> others) {
    return Stream.concat(setup.doubts().stream().map(Advice::finding), others.stream()).toList();
  }

  private static Finding finding(CsvDoubt doubt) {
    return new Finding(
        Finding.Code.valueOf(doubt.kind().name()),
        Finding.Severity.WARNING,
        doubt.evidence(),
        doubt.advice());
  }

  /** A line for each doubt about the data, to stand beside them. */
  static String onData(RunSetup setup) {
    return lines(setup.doubts());
  }

  /** A line for each doubt. */
  static String lines(List<CsvDoubt> doubts) {
    return doubts.stream().map(doubt -> line(finding(doubt))).collect(Collectors.joining());
  }

  /** What knows the options. */
  static Advisor advisor(RunSetup setup, TrainingPlan plan) {
    Advisor advisor =
        Advisor.of(setup.train().size(), setup.batchSize(), setup.trainer().learningRate())
            .optimizer(setup.optimizer())
            .usualBatches(usualBatches(setup, setup.train().size()))
            .trainingData(setup.train())
            .epochs(plan.epochs())
            .validation(setup.samples().validation())
            .batchNorm(hasBatchNorm(setup));
    Integer microBatch = setup.recipe().recipe().microBatch();
    advisor = microBatch == null ? advisor : advisor.microBatch(microBatch);
    boolean grows = plan.largestBatch() > setup.batchSize();
    return setup.recipe().changesBatchWithoutRate()
        ? advisor.rateChosenFor(grows ? plan.largestBatch() : plan.batchSize(0))
        : advisor;
  }

  /** The rule of thumb for such data and such a model. */
  static RulesOfThumb.Range usualBatches(RunSetup setup, int largest) {
    boolean images = setup.train().sampleShape().rank() == 3;
    return RulesOfThumb.batchSizes(
        images ? RulesOfThumb.Task.IMAGES : RulesOfThumb.Task.OTHER,
        setup.train().size(),
        hasBatchNorm(setup),
        largest);
  }

  /** Whether the model normalises over batches. */
  static boolean hasBatchNorm(RunSetup setup) {
    return setup.model().parameters().list().stream()
        .anyMatch(parameter -> parameter.name().endsWith("running_mean"));
  }

  /** A line for each finding, but for doubts about the data, which stand beside these. */
  static void print(PrintWriter out, List<Finding> findings) {
    for (Finding finding : findings) {
      if (!ON_DATA.contains(finding.code().name())) {
        out.print(line(finding));
      }
    }
  }

  private static String line(Finding finding) {
    return String.format(
        "%-8s %s: %s; %s%n",
        finding.severity().name().toLowerCase(Locale.ROOT),
        name(finding),
        finding.evidence(),
        finding.advice());
  }

  private static String name(Finding finding) {
    return finding.code().name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
