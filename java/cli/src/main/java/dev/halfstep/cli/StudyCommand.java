package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.report.Advice;
import dev.halfstep.report.StudyFigure;
import dev.halfstep.report.StudyReport;
import dev.halfstep.study.BatchSizeStudy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code halfstep study}: the same run with several batch sizes. */
@Command(
    name = "study",
    description = {
      "Trains the same model with several batch sizes, at equal epochs (--epochs) or equal updates"
          + " (--budget updates:N), and compares speed, accuracy and gradients.",
      "The learning rate is the same for all batch sizes unless --lr-scaling scales it with them.",
      "Takes the options of train but --out."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class StudyCommand implements Callable<Integer> {
  private final PrintWriter out;
  private final PrintWriter err;

  @Mixin private final RunOptions options = new RunOptions();
  @Mixin private final JsonOption json = new JsonOption();
  @Mixin private final FigureOption figure = new FigureOption();

  @Option(
      names = "--batch-sizes",
      paramLabel = "N,...",
      split = ",",
      defaultValue = "8,32,128",
      description = "What is compared (default: ${DEFAULT-VALUE}).")
  private List<Integer> batchSizes = List.of();

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Runs of each batch size, with seeds 1, 2, ... (default: ${DEFAULT-VALUE}).")
  private int seeds = 3;

  StudyCommand(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    Path file = json.check();
    Path picture = figure.check();
    RunOptions.atLeastOne("--seeds", seeds);
    RunSetup setup = options.load(file, picture);
    setup.checkedBatchSizes("--batch-sizes", batchSizes);
    if (setup.regression()) {
      throw new UsageException(
          "study compares accuracies, but --regression predicts numbers, which have none.");
    }
    out.print(Advice.onData(setup.doubts()));
    try (Device device = options.openDevice()) {
      BatchSizeStudy study = new BatchSizeStudy(batchSizes, setup.recipe().budget(), seeds);
      BatchSizeStudy.Result result =
          study.run(
              seed -> {
                setup.model().initialize(seed);
                return setup.trainer(device).seed(seed);
              });
      out.print(result);
      figure.write(picture, () -> StudyFigure.of(result).png(), err);
      json.write(file, StudyReport.of(study, result, setup.data(), setup.modelName()));
    }
    return 0;
  }
}
