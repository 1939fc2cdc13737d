package dev.halfstep.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.report.Figure;
import dev.halfstep.report.StudyFigure;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A picture is written whole, or costs one line, whatever drawing throws. */
final class PictureTest {
  @TempDir Path folder;

  private String written(Path file, Figure drawing) {
    StringWriter err = new StringWriter();
    Picture.write(file, drawing, new PrintWriter(err, true));
    return err.toString();
  }

  private static Figure failing(Throwable thrown) {
    return () -> {
      throw PictureTest.<RuntimeException>unchecked(thrown);
    };
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T unchecked(Throwable thrown) throws T {
    throw (T) thrown;
  }

  @Test
  void whateverDrawingThrowsIsOneLineAndAnOlderPictureGoes() throws IOException {
    Path file = folder.resolve("curves.png");
    for (Throwable thrown :
        List.of(
            new InternalError("no fonts:\nnone"),
            new Error("Probable fatal error: No physical fonts found."),
            new NoClassDefFoundError("java/awt/Color"),
            new OutOfMemoryError("Java heap space"),
            new StackOverflowError(),
            new IOException("Can't create cache file!"),
            new UncheckedIOException(new IOException("I/O error writing PNG file!")),
            new IllegalArgumentException("Width (-1) must be > 0"))) {
      Files.writeString(file, "of another run");
      String err = written(file, failing(thrown));
      assertTrue(err.startsWith("halfstep: " + file + " cannot be drawn here ("), err);
      assertEquals(1, err.lines().count(), err);
      assertFalse(err.contains("UncheckedIOException"), err);
      try (Stream<Path> files = Files.list(folder)) {
        assertEquals(List.of(), files.toList());
      }
    }
  }

  @Test
  void aPictureIsWrittenWholeOrSaidToBeMissing() throws IOException {
    Path file = folder.resolve("curves.png");
    List<Double> values = List.of(1.0, 2.0);
    byte[] png = new StudyFigure("a", "x", "y").line("a line", values, values).png();
    assertEquals("", written(file, () -> png));
    assertArrayEquals(png, Files.readAllBytes(file));
    assertEquals(900, ImageIO.read(file.toFile()).getWidth());
    String full = written(Path.of("/dev/full"), () -> png);
    assertTrue(full.contains("No space left on device"), full);
    assertTrue(Files.exists(Path.of("/dev/full")));
    String missing = written(folder.resolve("no/curves.png"), () -> png);
    assertTrue(missing.contains("no such file or folder"), missing);
  }
}
