package dev.halfstep.cli;

import java.awt.Color;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The figure of a study: lines over a logarithmic axis. Immutable. */
final class StudyFigure {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 560;

  private final String title;
  private final String xTitle;
  private final String yTitle;
  private final List<Line> lines;

  /** A line; values that are not finite are left out. */
  private record Line(String name, List<Double> x, List<Double> y) {}

  /** A figure without lines. */
  StudyFigure(String title, String xTitle, String yTitle) {
    this(title, xTitle, yTitle, List.of());
  }

  private StudyFigure(String title, String xTitle, String yTitle, List<Line> lines) {
    this.title = title;
    this.xTitle = xTitle;
    this.yTitle = yTitle;
    this.lines = lines;
  }

  /** The figure with one line more; x is above 0. */
  StudyFigure line(String name, List<Double> x, List<Double> y) {
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

  /** The figure as the bytes of a PNG file. */
  byte[] png() throws IOException {
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
