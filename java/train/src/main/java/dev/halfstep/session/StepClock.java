package dev.halfstep.session;

/** Tells how long a device waits between the steps of a loop that feeds it. */
final class StepClock {
  private long firstBegin;
  private long lastEnd;
  private long idleNanos;

  void begin() {
    long now = System.nanoTime();
    if (lastEnd == 0) {
      firstBegin = now;
    } else {
      idleNanos += now - lastEnd;
    }
  }

  void end() {
    lastEnd = System.nanoTime();
  }

  /**
   * Takes in a run of steps that has just been launched on data that stream.
   *
   * @param beginNanos when it began
   * @param loadingNanos how long its data were gathered and copied
   */
  void ran(long beginNanos, long loadingNanos) {
    if (lastEnd == 0) {
      firstBegin = beginNanos;
    }
    idleNanos += loadingNanos;
    lastEnd = System.nanoTime();
  }

  /** The part of the time from the first step to the last between steps; 0 before the second. */
  double idle() {
    return idleNanos == 0 ? 0 : (double) idleNanos / (lastEnd - firstBegin);
  }
}
