package dev.halfstep.cli;

/**
 * Bad use, found before anything has happened: ends the program with status 2. The message is one
 * line that says what was wrong, and mostly a second one that says what is possible.
 */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UsageException(String problem) {
    super(Line.of(problem));
  }

  UsageException(String problem, String possible) {
    super(Line.of(problem) + System.lineSeparator() + Line.of(possible));
  }
}
