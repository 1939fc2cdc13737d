package dev.halfstep.report;

import dev.halfstep.study.BatchSizeStudy;
import dev.halfstep.study.LearningRateFinder;
import java.awt.Color;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The figure of a study: lines over a logarithmic axis. Immutable.
 *
 * <pre>{@code
 * StudyFigure.of(LearningRateFinder.DEFAULT.find(options, train)).writePng(Path.of("rates.png"));
 * }</pre>
 */
public final class StudyFigure implements Figure {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 560;

  private final String title;
  private final String xTitle;
  private final String yTitle;
  private final List<Line> lines;

  /** A line; values that are not finite are left out. */
  private record Line(String name, List<Double> x, List<Double> y) {}

  /** A figure without lines. */
  public StudyFigure(String title, String xTitle, String yTitle) {
    this(title, xTitle, yTitle, List.of());
  }

  private StudyFigure(String title, String xTitle, String yTitle, List<Line> lines) {
    this.title = title;
    this.xTitle = xTitle;
    this.yTitle = yTitle;
    this.lines = lines;
  }

  /** The accuracies of a comparison of batch sizes. */
  public static StudyFigure of(BatchSizeStudy.Result result) {
    List<Double> sizes = new ArrayList<>();
    List<Double> train = new ArrayList<>();
    List<Double> test = new ArrayList<>();
    for (BatchSizeStudy.Row row : result.rows()) {
      sizes.add((double) row.batchSize());
      train.add(100 * row.trainAccuracy().mean());
      test.add(100 * row.testAccuracy().mean());
    }
    return new StudyFigure("Batch sizes", "batch size", "correct (%)")
        .line("train", sizes, train)
        .line("test", sizes, test);
  }

  /** The losses of a learning-rate range test, and their moving average. */
  public static StudyFigure of(LearningRateFinder.Result found) {
    return rangeTest()
        .line("smoothed", rates(found), values(found, LearningRateFinder.Point::smoothed))
        .line("loss", rates(found), values(found, LearningRateFinder.Point::loss));
  }

  /**
   * The moving averages of range tests with several batch sizes. A single test also shows its
   * losses.
   *
   * @param results one for each batch size, as {@link LearningRateFinder#findEach} gives them
   * @throws IllegalArgumentException if there are not as many results as batch sizes, or none
   */
  public static StudyFigure ofEach(int[] batchSizes, List<LearningRateFinder.Result> results) {
    RangeTestReport.requireOneEach(batchSizes, results);
    if (batchSizes.length == 1) {
      return of(results.get(0));
    }
    StudyFigure figure = rangeTest();
    for (int i = 0; i < batchSizes.length; i++) {
      LearningRateFinder.Result found = results.get(i);
      figure =
          figure.line(
              "smoothed, batch " + batchSizes[i],
              rates(found),
              values(found, LearningRateFinder.Point::smoothed));
    }
    return figure;
  }

  private static StudyFigure rangeTest() {
    return new StudyFigure("Learning-rate range test", "learning rate", "loss");
  }

  private static List<Double> rates(LearningRateFinder.Result found) {
    return values(found, LearningRateFinder.Point::learningRate);
  }

  private static List<Double> values(
      LearningRateFinder.Result found, Function<LearningRateFinder.Point, Double> value) {
    return found.points().stream().map(value).toList();
  }

  /**
   * The figure with another line; points whose y is not finite are left out.
   *
   * @param x numbers above 0
   * @throws IllegalArgumentException if an x is not above 0, or there is not a y for each
   */
  public StudyFigure line(String name, List<Double> x, List<Double> y) {
    if (x.size() != y.size() || !x.stream().allMatch(value -> value > 0)) {
      throw new IllegalArgumentException(
          "a line needs an x above 0 for each y: '" + name + "' was given " + x + " and " + y);
    }
    List<Double> finiteX = new ArrayList<>();
    List<Double> finiteY = new ArrayList<>();
    for (int i = 0; i < x.size(); i++) {
      if (Double.isFinite(y.get(i))) {
        finiteX.add(x.get(i));
        finiteY.add(y.get(i));
      }
    }
    List<Line> more = new ArrayList<>(lines);
    more.add(new Line(name, finiteX, finiteY));
    return new StudyFigure(title, xTitle, yTitle, more);
  }

  @Override
  public byte[] png() throws IOException {
    XYChart chart = new XYChartBuilder().title(title).xAxisTitle(xTitle).yAxisTitle(yTitle).build();
    chart.getStyler().setXAxisLogarithmic(true).setChartBackgroundColor(Color.WHITE);
    for (Line line : lines) {
      if (!line.x().isEmpty()) {
        chart
            .addSeries(line.name(), line.x(), line.y())
            .setMarker(line.x().size() > 20 ? SeriesMarkers.NONE : SeriesMarkers.CIRCLE);
      }
    }
    return Png.of(WIDTH, HEIGHT, graphics -> chart.paint(graphics, WIDTH, HEIGHT));
  }
}
