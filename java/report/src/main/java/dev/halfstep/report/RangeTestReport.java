package dev.halfstep.report;

import dev.halfstep.study.LearningRateFinder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The result of a learning-rate range test, with one batch size or several: the document of {@code
 * halfstep lr-find}. {@code suggestion}, {@code diverged} and {@code points} are the first test's.
 */
public record RangeTestReport(
    int schema,
    String halfstep,
    @Nullable Double suggestion,
    boolean diverged,
    List<RangePoint> points,
    List<RangeTest> tests)
    implements JsonDocument {
  private static final int ROWS = 20;

  /** The test with one batch size. */
  public record RangeTest(
      int batchSize, @Nullable Double suggestion, boolean diverged, List<RangePoint> points) {
    static RangeTest of(int batchSize, LearningRateFinder.Result found) {
      return new RangeTest(
          batchSize,
          Json.number(found.suggestion()),
          found.diverged(),
          found.points().stream().map(RangePoint::of).toList());
    }
  }

  /** A step of the test. */
  public record RangePoint(double learningRate, @Nullable Double loss, @Nullable Double smoothed) {
    static RangePoint of(LearningRateFinder.Point point) {
      return new RangePoint(
          point.learningRate(), Json.number(point.loss()), Json.number(point.smoothed()));
    }
  }

  /** The report of a test with one batch size. */
  public static RangeTestReport of(int batchSize, LearningRateFinder.Result found) {
    return ofEach(new int[] {batchSize}, List.of(found));
  }

  /**
   * The report of tests with several batch sizes.
   *
   * @param results one for each batch size, as {@link LearningRateFinder#findEach} gives them
   * @throws IllegalArgumentException if there are not as many results as batch sizes, or none
   */
  public static RangeTestReport ofEach(int[] batchSizes, List<LearningRateFinder.Result> results) {
    requireOneEach(batchSizes, results);
    List<RangeTest> tests = new ArrayList<>();
    for (int i = 0; i < batchSizes.length; i++) {
      tests.add(RangeTest.of(batchSizes[i], results.get(i)));
    }
    RangeTest first = tests.get(0);
    return new RangeTestReport(
        Report.SCHEMA,
        HalfstepVersion.current(),
        first.suggestion(),
        first.diverged(),
        first.points(),
        List.copyOf(tests));
  }

  static void requireOneEach(int[] batchSizes, List<LearningRateFinder.Result> results) {
    if (batchSizes.length == 0 || batchSizes.length != results.size()) {
      throw new IllegalArgumentException(
          "there must be one result for each batch size, and at least one: "
              + batchSizes.length
              + " batch sizes and "
              + results.size()
              + " results were given");
    }
  }

  /** A table for people: about twenty points of the test, and what it suggests. */
  public static String table(int batchSize, LearningRateFinder.Result found) {
    List<LearningRateFinder.Point> points = found.points();
    StringBuilder table = new StringBuilder(String.format("batch size %d%n", batchSize));
    table.append(String.format("learning rate       loss   smoothed%n"));
    int every = Math.max(1, points.size() / ROWS);
    for (int i = 0; i < points.size(); i += every) {
      LearningRateFinder.Point point = points.get(i);
      table.append(
          String.format(
              Locale.ROOT,
              "%13.2e %10.4f %10.4f%n",
              point.learningRate(),
              point.loss(),
              point.smoothed()));
    }
    return table
        .append(
            found.suggestion().isPresent()
                ? String.format(
                    Locale.ROOT, "suggestion: --lr %.2e%n", found.suggestion().getAsDouble())
                : String.format(
                    "no suggestion: no rate lowers the loss by more than it varies from batch to"
                        + " batch%n"))
        .toString();
  }
}
