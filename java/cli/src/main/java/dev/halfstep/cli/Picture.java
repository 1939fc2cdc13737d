package dev.halfstep.cli;

import dev.halfstep.report.Figure;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A picture that goes with a result. Drawing needs what a machine may lack (java.desktop, fonts),
 * so pictures come after all other files, and one that cannot be made costs a warning and no more.
 * This class names none of Java's own for drawing: without java.desktop it could not be loaded.
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
      // It stays; the warning has said that it is not this result's.
    }
  }
}
