package dev.halfstep.cli;

import dev.halfstep.nn.AtomicFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --figure FILE}. */
final class FigureOption {
  @Option(
      names = "--figure",
      paramLabel = "FILE",
      description = "Draws the result as a PNG file too.")
  private @Nullable String file;

  /** The file, if one was asked for; checked, but not yet written. */
  @Nullable Path check() {
    return file == null ? null : OutputFolder.checkFile("--figure", file);
  }

  /** Draws the figure; warns where Java cannot draw. */
  void write(@Nullable Path target, StudyFigure figure, PrintWriter err) throws IOException {
    if (target == null) {
      return;
    }
    try {
      byte[] png = figure.png();
      AtomicFile.write(target, out -> out.write(png));
    } catch (LinkageError | RuntimeException e) {
      err.println("halfstep: " + target + " cannot be drawn here (" + e + ")");
    }
  }
}
