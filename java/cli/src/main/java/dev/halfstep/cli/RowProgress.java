package dev.halfstep.cli;

import java.io.PrintWriter;
import java.util.Locale;

/**
 * Shows the progress through many rows: one line that is redrawn on a terminal, otherwise a plain
 * line now and then.
 */
final class RowProgress {
  private static final double TERMINAL_INTERVAL = 0.1;
  private static final double PLAIN_INTERVAL = 10;

  private final PrintWriter out;
  private final boolean terminal;
  private final int rows;
  private final long begun = System.nanoTime();
  private double drawn;

  /** Begins now. */
  RowProgress(PrintWriter out, boolean terminal, int rows) {
    this.out = out;
    this.terminal = terminal;
    this.rows = rows;
  }

  /** Seconds since the beginning. */
  double seconds() {
    return (System.nanoTime() - begun) * 1e-9;
  }

  /** Tells that this number of rows is done. */
  void done(int count) {
    double now = seconds();
    if (now - drawn < (terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL)) {
      return;
    }
    drawn = now;
    String line =
        String.format(
            Locale.ROOT,
            "row %,d of %,d  %,.0f rows/s  %s left",
            count,
            rows,
            count / now,
            ProgressBar.time(now * (rows - count) / count));
    if (terminal) {
      out.print(ProgressBar.CLEAR_LINE + line);
      out.flush();
    } else {
      out.println(line);
    }
  }

  /** Clears the line. */
  void end() {
    if (terminal) {
      out.print(ProgressBar.CLEAR_LINE);
      out.flush();
    }
  }
}
