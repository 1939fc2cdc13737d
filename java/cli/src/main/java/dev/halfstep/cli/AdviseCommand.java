package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.data.Order;
import dev.halfstep.report.Advice;
import dev.halfstep.report.HalfstepVersion;
import dev.halfstep.report.Json;
import dev.halfstep.report.PlanReport;
import dev.halfstep.report.Report;
import dev.halfstep.report.RunDescription;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.study.Finding;
import dev.halfstep.study.GradientProbe;
import dev.halfstep.study.LargestBatch;
import dev.halfstep.study.NoiseScale;
import dev.halfstep.study.RulesOfThumb;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code halfstep advise}: finds mistakes in a run's settings without training. */
@Command(
    name = "advise",
    description = {
      "Names mistakes in the options of a run, and measures without training: the largest batch"
          + " that fits into memory, and the gradient noise scale at the initial weights.",
      "Takes the options of train but --out."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class AdviseCommand implements Callable<Integer> {
  private static final int SMALL_BATCH = 8;
  private static final int BATCHES = 32;

  private final PrintWriter out;

  @Mixin private final RunOptions options = new RunOptions();
  @Mixin private final JsonOption json = new JsonOption();

  AdviseCommand(PrintWriter out) {
    this.out = out;
  }

  /** What {@code --json} writes. */
  record AdviceResult(
      int schema,
      String halfstep,
      List<Finding> findings,
      LargestBatch largestBatch,
      RulesOfThumb.Range usualBatchSizes,
      RulesOfThumb.Range usualEpochs,
      @Nullable Double noiseScale) {}

  @Override
  public Integer call() throws IOException {
    Path file = json.check();
    RunSetup setup = options.load(file);
    try (Device device = options.openDevice()) {
      Trainer trainer = RecipeOptions.possible(setup.trainer(device)::build);
      RunDescription run = setup.description();
      out.print(PlanReport.summary(trainer, run));
      SessionBuilder session = trainer.options().sessionOptions();
      LargestBatch largest = LargestBatch.find(session, setup.train(), device);
      out.printf(
          Locale.ROOT,
          "memory   the largest batch that fits is %,d: %,.1f MB of %,.1f MB%n",
          largest.batchSize(),
          largest.bytes() * 1e-6,
          largest.usable() * 1e-6);
      RulesOfThumb.Range batches = Advice.usualBatches(trainer.options(), largest.batchSize());
      RulesOfThumb.Range epochs =
          RulesOfThumb.epochs(setup.train().size(), RulesOfThumb.Effort.USUAL);
      out.printf(
          Locale.ROOT,
          "usual    batches of %d to %d, %d to %d epochs, for so many samples%n",
          batches.least(),
          batches.most(),
          epochs.least(),
          epochs.most());
      OptionalDouble noise = noiseScale(session, setup);
      out.println(
          noise.isPresent()
              ? String.format(
                  Locale.ROOT,
                  "noise    the gradient noise scale at the initial weights is %.0f samples; it"
                      + " grows as training goes on",
                  noise.getAsDouble())
              : "noise    the gradient noise scale cannot be measured at the initial weights");
      List<Finding> findings =
          Advice.withDoubts(
              run,
              Advice.advisor(trainer, run)
                  .usualBatches(batches)
                  .usualEpochs(epochs)
                  .largestBatch(largest.batchSize())
                  .initialNoiseScale(noise)
                  .findings());
      out.print(Advice.lines(findings));
      if (findings.isEmpty()) {
        out.println("nothing speaks against these options");
      }
      json.write(
          file,
          new AdviceResult(
              Report.SCHEMA,
              HalfstepVersion.current(),
              findings,
              largest,
              batches,
              epochs,
              Json.number(noise)));
    }
    return 0;
  }

  /** From small batches that make up a large one, all of different samples. */
  private static OptionalDouble noiseScale(SessionBuilder session, RunSetup setup) {
    int batches = Math.min(BATCHES, setup.train().size() / SMALL_BATCH);
    if (batches < 2) {
      return OptionalDouble.empty();
    }
    int[] order = Order.permutation(setup.seed(), 0, setup.train().size());
    try (GradientProbe probe = new GradientProbe(session.batchSize(SMALL_BATCH), setup.train())) {
      List<float[]> gradients = new ArrayList<>();
      for (int i = 0; i < batches; i++) {
        gradients.add(
            probe.gradient(Arrays.copyOfRange(order, i * SMALL_BATCH, (i + 1) * SMALL_BATCH)));
      }
      return NoiseScale.withDecay(0).add(SMALL_BATCH, gradients).value();
    }
  }
}
