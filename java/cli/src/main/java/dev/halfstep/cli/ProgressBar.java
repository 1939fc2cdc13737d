package dev.halfstep.cli;

import dev.halfstep.metric.EpochRecord;
import dev.halfstep.report.Scores;
import dev.halfstep.session.StepBlock;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Shows the progress of a run: the epoch, its steps, the loss, samples per second and the time
 * left, and a line for each complete epoch. On a terminal the bar is drawn over itself; elsewhere
 * it is a plain line every few seconds.
 */
final class ProgressBar implements Callback {
  private static final int BAR_WIDTH = 20;
  private static final double TERMINAL_INTERVAL = 0.1;
  private static final double PLAIN_INTERVAL = 10;
  static final String CLEAR_LINE = "\r\u001b[K";

  private final PrintWriter out;
  private final boolean terminal;
  private final Scores scores;
  private final double interval;
  private double drawn;
  private double epochBegin;

  /** A bar for a terminal, or plain lines. */
  ProgressBar(PrintWriter out, boolean terminal, Scores scores) {
    this(out, terminal, scores, terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL);
  }

  /** Draws at most once in this number of seconds. */
  ProgressBar(PrintWriter out, boolean terminal, Scores scores, double interval) {
    this.out = out;
    this.terminal = terminal;
    this.scores = scores;
    this.interval = interval;
  }

  /** Whether standard output is a terminal that can draw over a line. */
  static boolean isTerminal() {
    if ("dumb".equals(System.getenv("TERM"))) {
      return false;
    }
    try {
      Path output = Files.readSymbolicLink(Path.of("/proc/self/fd/1"));
      return output.startsWith("/dev/pts") || output.toString().startsWith("/dev/tty");
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void epochBegin(Fit fit) {
    epochBegin = fit.seconds();
    if (fit.epoch() == 1) {
      drawn = epochBegin;
    }
  }

  @Override
  public void stepsEnd(Fit fit, StepBlock steps) {
    double now = fit.seconds();
    if (now - drawn < interval) {
      return;
    }
    drawn = now;
    long step = fit.stepsOfEpoch();
    long stepsPerEpoch = fit.plan().updates(fit.batchSize());
    String line =
        String.format(
            Locale.ROOT,
            "epoch %s %s %d/%d  loss %.4f  %,.0f samples/s  %s left",
            epochOf(fit),
            bar((double) step / stepsPerEpoch),
            step,
            stepsPerEpoch,
            fit.metrics().loss(),
            fit.sample() / (now - epochBegin),
            time(secondsLeft(fit, now)));
    if (terminal) {
      out.print(CLEAR_LINE + line);
      out.flush();
    } else {
      out.println(line);
    }
  }

  @Override
  public void epochEnd(Fit fit, EpochRecord epoch) {
    clear();
    String validation =
        epoch.validation().map(metrics -> "  validation " + scores.described(metrics)).orElse("");
    out.printf(
        Locale.ROOT,
        "epoch %s  train %s%s  %,.0f samples/s  %.1f s%s%n",
        epochOf(fit),
        scores.described(epoch.train()),
        validation,
        epoch.samplesPerSecond(),
        epoch.seconds(),
        fit.bestEpoch() == epoch.epoch() ? "  best" : "");
  }

  @Override
  public void fitEnd(Fit fit, History history) {
    clear();
  }

  private void clear() {
    if (terminal) {
      out.print(CLEAR_LINE);
      out.flush();
    }
  }

  /** Estimated from the samples that are left, and at most what the budget leaves. */
  private static double secondsLeft(Fit fit, double now) {
    double byTime = fit.plan().budget().seconds() - now;
    double done = fit.epoch() - 1 + (double) fit.sample() / fit.plan().samples(fit.batchSize());
    return Math.min(byTime, now * (fit.plan().length() - done) / done);
  }

  private static String epochOf(Fit fit) {
    if (fit.plan().epochs() == Integer.MAX_VALUE) {
      return Integer.toString(fit.epoch());
    }
    int width = Integer.toString(fit.plan().epochs()).length();
    return String.format(Locale.ROOT, "%" + width + "d/%d", fit.epoch(), fit.plan().epochs());
  }

  private static String bar(double fraction) {
    int full = (int) Math.min(BAR_WIDTH, Math.round(fraction * BAR_WIDTH));
    return "[" + "=".repeat(full) + " ".repeat(BAR_WIDTH - full) + "]";
  }

  /** Minutes and seconds, with hours where there are any. */
  static String time(double seconds) {
    long whole = Math.max(0, Math.round(seconds));
    return whole < 3600
        ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }
}
