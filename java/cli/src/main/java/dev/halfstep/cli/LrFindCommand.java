package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.report.Advice;
import dev.halfstep.report.RangeTestReport;
import dev.halfstep.report.StudyFigure;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.study.LearningRateFinder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code halfstep lr-find}: the learning-rate range test. */
@Command(
    name = "lr-find",
    description = {
      "Raises the learning rate step by step until the loss is ten times the first one, and suggests"
          + " the rate at which it falls most steeply. Nothing is kept of the training.",
      "Takes the options of train but --out."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class LrFindCommand implements Callable<Integer> {
  private final PrintWriter out;
  private final PrintWriter err;

  @Mixin private final RunOptions options = new RunOptions();
  @Mixin private final JsonOption json = new JsonOption();
  @Mixin private final FigureOption figure = new FigureOption();

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "200",
      description = "Steps from 1e-8 to 10 (default: ${DEFAULT-VALUE}).")
  private int steps = 200;

  @Option(
      names = "--batch-sizes",
      paramLabel = "N,...",
      split = ",",
      description = "One test for each of these batch sizes (default: for --batch-size alone).")
  private List<Integer> batchSizes = List.of();

  LrFindCommand(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    Path file = json.check();
    Path picture = figure.check();
    if (steps < 2) {
      throw new UsageException("--steps must be at least 2, not " + steps);
    }
    RunSetup setup = options.load(file, picture);
    int[] sizes =
        batchSizes.isEmpty()
            ? new int[] {setup.batchSize()}
            : setup.checkedBatchSizes("--batch-sizes", batchSizes);
    out.print(Advice.onData(setup.doubts()));
    try (Device device = options.openDevice()) {
      SessionBuilder session = setup.trainer(device).sessionOptions();
      List<LearningRateFinder.Result> results =
          LearningRateFinder.DEFAULT.withSteps(steps).findEach(session, setup.train(), sizes);
      for (int i = 0; i < sizes.length; i++) {
        out.print(RangeTestReport.table(sizes[i], results.get(i)));
      }
      figure.write(picture, () -> StudyFigure.ofEach(sizes, results).png(), err);
      json.write(file, RangeTestReport.ofEach(sizes, results));
    }
    return 0;
  }
}
