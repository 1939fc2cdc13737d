package dev.halfstep.cli;

import dev.halfstep.data.Dataset;
import dev.halfstep.study.Advisor;
import dev.halfstep.study.Finding;
import dev.halfstep.train.History;
import dev.halfstep.train.TrainingPlan;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** What the commands say of mistakes in a run. */
final class Advice {
  private Advice() {}

  /** What there is to say before a run. */
  static List<Finding> before(RunSetup setup, TrainingPlan plan) {
    return advisor(setup, plan).findings();
  }

  /** What there is to say after it. */
  static List<Finding> after(RunSetup setup, TrainingPlan plan, History history) {
    return advisor(setup, plan).history(history).findings();
  }

  private static Advisor advisor(RunSetup setup, TrainingPlan plan) {
    Advisor advisor =
        Advisor.of(setup.train().size(), setup.batchSize(), setup.optimizer().learningRate())
            .epochs(plan.epochs())
            .validation(setup.samples().validation())
            .batchNorm(hasBatchNorm(setup))
            .dropLast(setup.recipe().recipe().dropLast())
            .heldOut("test", setup.train(), setup.test());
    Dataset validation = setup.validation().orElse(null);
    if (validation != null) {
      advisor = advisor.heldOut("validation", setup.train(), validation);
    }
    Integer microBatch = setup.recipe().recipe().microBatch();
    advisor = microBatch == null ? advisor : advisor.microBatch(microBatch);
    boolean grows = plan.largestBatch() > setup.batchSize();
    return setup.recipe().changesBatchWithoutRate()
        ? advisor.rateChosenFor(grows ? plan.largestBatch() : plan.batchSize(0))
        : advisor;
  }

  /** Whether the model normalises over batches. */
  static boolean hasBatchNorm(RunSetup setup) {
    return setup.model().parameters().list().stream()
        .anyMatch(parameter -> parameter.name().endsWith("running_mean"));
  }

  /** A line for each finding. */
  static void print(PrintWriter out, List<Finding> findings) {
    for (Finding finding : findings) {
      out.printf(
          "%-8s %s: %s; %s%n",
          finding.severity().name().toLowerCase(Locale.ROOT),
          name(finding),
          Line.of(finding.evidence()),
          Line.of(finding.advice()));
    }
  }

  private static String name(Finding finding) {
    return finding.code().name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
