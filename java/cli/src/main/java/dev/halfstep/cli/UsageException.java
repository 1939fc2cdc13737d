package dev.halfstep.cli;

import dev.halfstep.report.OneLine;
import java.nio.file.InvalidPathException;

/**
 * Bad use, found before anything has happened: ends the program with status 2. The message is one
 * line that says what was wrong, and mostly a second one that says what is possible.
 */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UsageException(String problem) {
    super(OneLine.of(problem));
  }

  UsageException(String problem, String possible) {
    super(OneLine.of(problem) + System.lineSeparator() + OneLine.of(possible));
  }

  /** That {@code given} holds no path: mostly where the locale has no letters but ASCII's. */
  static UsageException noPath(String given, InvalidPathException e) {
    String problem = given + ": is not a path (" + e.getReason() + ")";
    String encoding = System.getProperty("sun.jnu.encoding", "UTF-8");
    return encoding.equals("UTF-8")
        ? new UsageException(problem)
        : new UsageException(
            problem,
            "This locale's names of files are in "
                + encoding
                + ": set LC_ALL=C.UTF-8 for all letters.");
  }
}
