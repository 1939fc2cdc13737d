package dev.halfstep.report;

import dev.halfstep.files.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A picture that can be drawn. Drawing fails with an {@link Error} where this Java lacks the module
 * java.desktop or the system has no fonts.
 */
@FunctionalInterface
public interface Figure {
  /** Draws the figure and gives the bytes of its PNG file. */
  byte[] png() throws IOException;

  /**
   * Draws the figure and writes it to a file, whole or not at all; an existing file is replaced.
   */
  default void writePng(Path file) throws IOException {
    byte[] bytes = png();
    AtomicFile.write(file, out -> out.write(bytes));
  }
}
