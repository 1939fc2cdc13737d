package dev.halfstep.cli;

/** The exit statuses of commands, beside 0 for success and 128 plus the number of a signal. */
final class ExitStatus {
  /** A run that failed. */
  static final int FAILED = 1;

  /** Bad use: nothing has happened. */
  static final int BAD_USE = 2;

  private ExitStatus() {}
}
