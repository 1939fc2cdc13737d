package dev.halfstep.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.study.BatchSizeStudy;
import dev.halfstep.study.LearningRateFinder;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FiguresTest {
  private static final int TRAIN = 0x1f77b4;
  private static final int VALIDATION = 0xd95f02;
  private static final int TEST = 0x2b8a3e;

  @TempDir Path folder;

  private static BufferedImage image(Figure figure) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(figure.png()));
  }

  /** Whether a part of the image has a pixel of this colour. */
  private static boolean shows(BufferedImage image, int color, int fromX, int toX) {
    for (int x = fromX; x < toX; x++) {
      for (int y = 0; y < image.getHeight(); y++) {
        if ((image.getRGB(x, y) & 0xffffff) == color) {
          return true;
        }
      }
    }
    return false;
  }

  @Test
  void theCurvesOfARunAreOneRow() throws IOException {
    Split digits = Digits.generate(320, 100, 0);
    Shape shape = digits.train().sampleShape();
    Trainer trainer =
        Trainer.builder(
                Model.of(shape, Sequential.of(new Flatten(), new Linear(10))), digits.train())
            .session(options -> options.device("cpu"))
            .validation(digits.heldOut())
            .epochs(2)
            .build();
    History history = trainer.fit();
    Path file = folder.resolve("curves.png");
    CurvesFigure figure = CurvesFigure.of(history);
    figure.writePng(file);
    assertArrayEquals(figure.png(), Files.readAllBytes(file));
    BufferedImage image = image(figure);
    assertTrue(image.getWidth() > 2 * image.getHeight());
    for (int left : new int[] {0, 750}) {
      assertTrue(shows(image, TRAIN, left, left + 750));
      assertTrue(shows(image, VALIDATION, left, left + 750));
      assertFalse(shows(image, TEST, left, left + 750));
    }
    Report report = Report.of(trainer, history);
    assertFalse(titled(image));
    assertTrue(titled(image(CurvesFigure.of(report, history))));
    assertTrue(titled(image(figure.withTitle("a title"))));
  }

  /** Whether the line above the charts is not empty. */
  private static boolean titled(BufferedImage image) {
    for (int x = 0; x < image.getWidth(); x++) {
      for (int y = 0; y < 44; y++) {
        if ((image.getRGB(x, y) & 0xffffff) != 0xffffff) {
          return true;
        }
      }
    }
    return false;
  }

  private static LearningRateFinder.Result found() {
    List<LearningRateFinder.Point> points =
        List.of(
            new LearningRateFinder.Point(0.001, 2, 2),
            new LearningRateFinder.Point(0.01, 1, 1.5),
            new LearningRateFinder.Point(0.1, Double.NaN, Double.NaN));
    return new LearningRateFinder.Result(points, true, OptionalDouble.of(0.01));
  }

  @Test
  void aRangeTestIsDrawnToldAndWritten() throws IOException {
    assertEquals(900, image(StudyFigure.of(found())).getWidth());
    int[] sizes = {16, 64};
    List<LearningRateFinder.Result> results = List.of(found(), found());
    assertEquals(900, image(StudyFigure.ofEach(sizes, results)).getWidth());
    RangeTestReport report = RangeTestReport.ofEach(sizes, results);
    assertEquals(0.01, report.suggestion());
    assertEquals(List.of(16, 64), report.tests().stream().map(t -> t.batchSize()).toList());
    assertEquals(new RangeTestReport.RangePoint(0.1, null, null), report.points().get(2));
    String table = RangeTestReport.table(16, found());
    assertTrue(table.contains("     1.00e-02     1.0000     1.5000"), table);
    assertTrue(table.contains("suggestion: --lr 1.00e-02"), table);
    List<LearningRateFinder.Result> one = List.of(found());
    assertThrows(IllegalArgumentException.class, () -> RangeTestReport.ofEach(sizes, one));
    assertThrows(IllegalArgumentException.class, () -> StudyFigure.ofEach(sizes, one));
  }

  @Test
  void aStudyIsDrawnAndWritten() throws IOException {
    BatchSizeStudy.Spread half = new BatchSizeStudy.Spread(0.5, 0.1);
    BatchSizeStudy.Row row =
        new BatchSizeStudy.Row(8, 0.01, 4, 8, half, half, half, half, half, half);
    BatchSizeStudy.Result result = new BatchSizeStudy.Result(List.of(row));
    assertEquals(560, image(StudyFigure.of(result)).getHeight());
    Path file = folder.resolve("study.json");
    StudyReport.of(BatchSizeStudy.ofEpochs(2, 8), result, "xor", "linear").write(file);
    String json = Files.readString(file).replaceAll("\\s", "");
    assertTrue(json.contains("\"data\":\"xor\",\"model\":\"linear\",\"seeds\":1"), json);
    assertTrue(json.contains("\"testAccuracy\":{\"mean\":0.5,\"deviation\":0.1}"), json);
  }

  @Test
  void aLogarithmicAxisHasNoPlaceForZero() {
    StudyFigure figure = new StudyFigure("a", "x", "y");
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> figure.line("losses", List.of(0.0, 1.0), List.of(1.0, 2.0)));
    assertTrue(refused.getMessage().contains("an x above 0"), refused.getMessage());
    assertThrows(
        IllegalArgumentException.class, () -> figure.line("losses", List.of(1.0), List.of()));
  }
}
