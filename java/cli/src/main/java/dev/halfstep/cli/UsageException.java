package dev.halfstep.cli;

import dev.halfstep.report.OneLine;
import java.nio.file.InvalidPathException;

/**
 * A usage error, found before the command has done anything: the program ends with status 2. The
 * first line of the message says what was wrong; in most cases a second one says what is possible.
 */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UsageException(String problem) {
    super(OneLine.of(problem));
  }

  UsageException(String problem, String possible) {
    super(OneLine.of(problem) + System.lineSeparator() + OneLine.of(possible));
  }

  /**
   * Says that {@code given} is not a path; this happens mostly with a locale that has only ASCII.
   */
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
