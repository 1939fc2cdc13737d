package dev.halfstep.session;

/** Measures how long a device waits between the steps of a loop. */
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
   * Counts steps that have just been launched on streamed data.
   *
   * @param beginNanos when the launch began
   * @param loadingNanos how long the host gathered and copied their data
   */
  void ran(long beginNanos, long loadingNanos) {
    if (lastEnd == 0) {
      firstBegin = beginNanos;
    }
    idleNanos += loadingNanos;
    lastEnd = System.nanoTime();
  }

  /**
   * The share of the time from the first step to the last in which the device waited; 0 before the
   * second step.
   */
  double idle() {
    return idleNanos == 0 ? 0 : (double) idleNanos / (lastEnd - firstBegin);
  }
}
