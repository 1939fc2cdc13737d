package dev.halfstep.cli;

import dev.halfstep.report.Figure;
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

  /** Draws the figure if one was asked for; warns where it cannot. */
  void write(@Nullable Path target, Figure figure, PrintWriter err) {
    if (target != null) {
      Picture.write(target, figure, err);
    }
  }
}
