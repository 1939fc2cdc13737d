package dev.halfstep.cli;

import dev.halfstep.report.Figure;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes the picture of a result. A machine may lack what drawing needs (java.desktop, fonts), so
 * pictures are written after all other files, and a failure to draw is only a warning. This class
 * refers to no class of java.desktop, since it could not be loaded without that module.
 */
final class Picture {
  private Picture() {}

  /**
   * Writes the picture; or, where it cannot be drawn, warns in one line and removes an older one,
   * which would be taken for it. Throws nothing, whatever drawing throws: Java reports missing
   * fonts as an Error.
   */
  static void write(Path file, Figure figure, PrintWriter err) {
    try {
      figure.writePng(file);
    } catch (Throwable e) {
      err.println("halfstep: " + file + " cannot be drawn here (" + FailureText.of(e) + ")");
      removeOlder(file);
    }
  }

  private static void removeOlder(Path file) {
    try {
      if (Files.isRegularFile(file)) {
        Files.delete(file);
      }
    } catch (IOException e) {
      // The old picture stays; the warning has said that it belongs to another result.
    }
  }
}
