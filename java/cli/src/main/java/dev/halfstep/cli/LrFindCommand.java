package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.session.SessionBuilder;
import dev.halfstep.study.LearningRateFinder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
  private static final int ROWS = 20;

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

  /** What {@code --json} writes; suggestion, diverged and points are the first test's. */
  record Found(
      int schema,
      String halfstep,
      @Nullable Double suggestion,
      boolean diverged,
      List<FoundPoint> points,
      List<FoundTest> tests) {}

  /** The test with one batch size. */
  record FoundTest(
      int batchSize, @Nullable Double suggestion, boolean diverged, List<FoundPoint> points) {}

  /** A step of the test. */
  record FoundPoint(double learningRate, @Nullable Double loss, @Nullable Double smoothed) {}

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
    out.print(Advice.onData(setup));
    try (Device device = options.openDevice()) {
      SessionBuilder session = setup.trainer(device).sessionOptions();
      List<LearningRateFinder.Result> results =
          LearningRateFinder.DEFAULT.withSteps(steps).findEach(session, setup.train(), sizes);
      StudyFigure chart = new StudyFigure("Learning-rate range test", "learning rate", "loss");
      List<FoundTest> tests = new ArrayList<>();
      for (int i = 0; i < sizes.length; i++) {
        LearningRateFinder.Result found = results.get(i);
        print(sizes[i], found);
        chart = lines(chart, sizes.length == 1 ? "" : ", batch " + sizes[i], found.points());
        tests.add(
            new FoundTest(
                sizes[i], Json.number(found.suggestion()), found.diverged(), points(found)));
      }
      figure.write(picture, chart, err);
      FoundTest first = tests.get(0);
      json.write(
          file,
          new Found(
              Report.SCHEMA,
              Version.current(),
              first.suggestion(),
              first.diverged(),
              first.points(),
              tests));
    }
    return 0;
  }

  private static StudyFigure lines(
      StudyFigure chart, String which, List<LearningRateFinder.Point> points) {
    List<Double> rates = points.stream().map(LearningRateFinder.Point::learningRate).toList();
    StudyFigure smoothed =
        chart.line(
            "smoothed" + which,
            rates,
            points.stream().map(LearningRateFinder.Point::smoothed).toList());
    return which.isEmpty()
        ? smoothed.line("loss", rates, points.stream().map(LearningRateFinder.Point::loss).toList())
        : smoothed;
  }

  private static List<FoundPoint> points(LearningRateFinder.Result found) {
    return found.points().stream()
        .map(
            point ->
                new FoundPoint(
                    point.learningRate(), Json.number(point.loss()), Json.number(point.smoothed())))
        .toList();
  }

  private void print(int batchSize, LearningRateFinder.Result found) {
    List<LearningRateFinder.Point> points = found.points();
    out.println("batch size " + batchSize);
    out.println("learning rate       loss   smoothed");
    int every = Math.max(1, points.size() / ROWS);
    for (int i = 0; i < points.size(); i += every) {
      LearningRateFinder.Point point = points.get(i);
      out.printf(
          Locale.ROOT,
          "%13.2e %10.4f %10.4f%n",
          point.learningRate(),
          point.loss(),
          point.smoothed());
    }
    out.println(
        found.suggestion().isPresent()
            ? String.format(Locale.ROOT, "suggestion: --lr %.2e", found.suggestion().getAsDouble())
            : "no suggestion: no rate lowers the loss by more than it varies from batch to batch");
  }
}
