package dev.halfstep.report;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metrics;
import dev.halfstep.train.History;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * {@code training_curves.png}: two charts over epochs, the loss on the left, and on the right the
 * accuracy or, if numbers are predicted, the error. The loss of single steps is drawn in grey
 * behind the curves; a diamond marks the test at the best epoch. Immutable.
 *
 * <pre>{@code
 * CurvesFigure.of(history).writePng(Path.of("training_curves.png"));
 * }</pre>
 */
public final class CurvesFigure implements Figure {
  private static final int WIDTH = 1500;
  private static final int HEIGHT = 560;
  private static final int TITLE_HEIGHT = 44;
  private static final int MOST_STEP_POINTS = 600;
  private static final int MOST_MARKED_EPOCHS = 40;

  private static final Color TRAIN = new Color(0x1f77b4);
  private static final Color VALIDATION = new Color(0xd95f02);
  private static final Color TEST = new Color(0x2b8a3e);
  private static final Color TRANSPARENT = new Color(0, true);
  private static final Color STEPS = new Color(0xcdd5dd);
  private static final Color INK = new Color(0x222222);
  private static final Color GRID = new Color(0xe6e6e6);

  private final History history;
  private final String title;
  private final Report.@Nullable Target target;
  private final double stepsPerEpoch;

  private CurvesFigure(
      History history, String title, Report.@Nullable Target target, double stepsPerEpoch) {
    this.history = history;
    this.title = title;
    this.target = target;
    this.stepsPerEpoch = stepsPerEpoch;
  }

  /** The figure of a run that predicts classes, without a title. */
  public static CurvesFigure of(History history) {
    List<EpochRecord> epochs = history.epochs();
    int steps = epochs.isEmpty() ? history.stepLosses().length : epochs.get(0).steps();
    return new CurvesFigure(history, "", null, Math.max(1, steps));
  }

  /**
   * The figure of a run, with a title that says what was trained and how. If the report has a
   * target, the error is drawn in place of the accuracy.
   */
  public static CurvesFigure of(Report report, History history) {
    String title =
        String.format(
            Locale.ROOT,
            "%s, %s: %s, learning rate %s, batch size %d, seed %d",
            // the kind of data and the last part of a path
            report.data().replaceFirst(":.*/(?=[^/])", ":"),
            report.model(),
            report.optimizer().name(),
            report.optimizer().learningRate(),
            report.plan().batchSize(),
            report.seed());
    return new CurvesFigure(history, title, report.target(), report.plan().updatesPerEpoch());
  }

  /** The same with another title. */
  public CurvesFigure withTitle(String title) {
    return new CurvesFigure(history, title, target, stepsPerEpoch);
  }

  @Override
  public byte[] png() throws IOException {
    return Png.of(
        WIDTH,
        HEIGHT,
        graphics -> {
          graphics.setColor(Color.WHITE);
          graphics.fillRect(0, 0, WIDTH, HEIGHT);
          drawTitle(graphics);
          graphics.translate(0, TITLE_HEIGHT);
          loss().paint(graphics, WIDTH / 2, HEIGHT - TITLE_HEIGHT);
          graphics.translate(WIDTH / 2, 0);
          accuracy().paint(graphics, WIDTH / 2, HEIGHT - TITLE_HEIGHT);
        });
  }

  private void drawTitle(Graphics2D graphics) {
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 18));
    graphics.setColor(INK);
    int width = graphics.getFontMetrics().stringWidth(title);
    graphics.drawString(title, Math.max(16, (WIDTH - width) / 2), 30);
  }

  private XYChart loss() {
    XYChart chart = chart("Loss", "mean loss");
    addSteps(chart);
    addCurves(chart, 1, Metrics::loss);
    return chart;
  }

  private XYChart accuracy() {
    if (target != null) {
      double unit = target.deviation();
      XYChart chart = chart("Error of " + target.name(), "root of the mean squared error");
      addCurves(chart, 1, metrics -> unit * Math.sqrt(metrics.loss()));
      return chart;
    }
    XYChart chart = chart("Accuracy", "correct (%)");
    chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideSE);
    addCurves(chart, 100, Metrics::accuracy);
    return chart;
  }

  private void addCurves(XYChart chart, double unit, ToDoubleFunction<Metrics> metric) {
    addEpochs(chart, "train", TRAIN, unit, metric, epoch -> Optional.of(epoch.train()));
    addEpochs(chart, "validation", VALIDATION, unit, metric, EpochRecord::validation);
    double at = history.bestEpoch() > 0 ? history.bestEpoch() : lastStep();
    history
        .test()
        .map(test -> unit * metric.applyAsDouble(test))
        .filter(Double::isFinite)
        .ifPresent(
            value -> {
              String name =
                  String.format(Locale.ROOT, unit == 1 ? "test %.4f" : "test %.2f", value);
              XYSeries series = add(chart, name, List.of(at), List.of(value), TEST);
              series.setMarker(SeriesMarkers.DIAMOND).setMarkerColor(TEST);
              series.setLineColor(TRANSPARENT);
            });
  }

  private void addEpochs(
      XYChart chart,
      String name,
      Color color,
      double unit,
      ToDoubleFunction<Metrics> metric,
      Function<EpochRecord, Optional<Metrics>> part) {
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (EpochRecord epoch : history.epochs()) {
      double value = part.apply(epoch).map(m -> unit * metric.applyAsDouble(m)).orElse(Double.NaN);
      if (Double.isFinite(value)) {
        x.add((double) epoch.epoch());
        y.add(value);
      }
    }
    if (!x.isEmpty()) {
      XYSeries series = add(chart, name, x, y, color);
      series.setMarker(x.size() > MOST_MARKED_EPOCHS ? SeriesMarkers.NONE : SeriesMarkers.CIRCLE);
      series.setMarkerColor(color);
    }
  }

  /**
   * The losses of the steps, where neighbours are averaged so that at most {@code MOST_STEP_POINTS}
   * points are drawn.
   */
  private void addSteps(XYChart chart) {
    double[] losses = history.stepLosses();
    int points = Math.min(losses.length, MOST_STEP_POINTS);
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (int i = 0; i < points; i++) {
      int from = (int) ((long) losses.length * i / points);
      int to = (int) ((long) losses.length * (i + 1) / points);
      double mean = Arrays.stream(losses, from, to).average().orElse(Double.NaN);
      if (Double.isFinite(mean)) {
        x.add(epochOf((from + to) / 2.0));
        y.add(mean);
      }
    }
    if (!x.isEmpty()) {
      add(chart, "steps", x, y, STEPS).setMarker(SeriesMarkers.NONE).setLineWidth(1f);
    }
  }

  private double lastStep() {
    return epochOf(history.stepLosses().length);
  }

  /** The place of a step on the axis of epochs. Epochs may have different numbers of steps. */
  private double epochOf(double step) {
    double first = 0;
    for (EpochRecord epoch : history.epochs()) {
      if (step <= first + epoch.steps()) {
        return epoch.epoch() - 1 + (step - first) / epoch.steps();
      }
      first += epoch.steps();
    }
    return history.epochs().size() + (step - first) / stepsPerEpoch;
  }

  private static XYSeries add(
      XYChart chart, String name, List<Double> x, List<Double> y, Color color) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setLineColor(color).setLineStyle(new BasicStroke(2f)).setLineWidth(2f);
    return series;
  }

  private XYChart chart(String title, String yTitle) {
    XYChart chart =
        new XYChartBuilder().title(title).xAxisTitle("epoch").yAxisTitle(yTitle).build();
    XYStyler styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setPlotGridVerticalLinesVisible(false);
    styler.setPlotGridLinesStroke(new BasicStroke(1f));
    styler.setAxisTickMarksColor(GRID);
    styler.setChartFontColor(INK);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 15));
    styler.setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    styler.setLegendBorderColor(GRID);
    styler.setLegendPosition(Styler.LegendPosition.InsideNE);
    styler.setMarkerSize(6);
    styler.setAntiAlias(true);
    styler.setXAxisMin(0.0);
    styler.setXAxisMax(Math.max(1, Math.ceil(lastStep())));
    // Ticks between epochs have no label.
    styler.setxAxisTickLabelsFormattingFunction(
        x -> x == Math.rint(x) ? String.format(Locale.ROOT, "%.0f", x) : " ");
    return chart;
  }
}
