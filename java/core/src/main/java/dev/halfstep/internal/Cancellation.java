package dev.halfstep.internal;

import java.util.concurrent.CancellationException;

/**
 * Java's way to cancel work, the interrupt flag of its thread, for what takes long: it looks at the
 * flag between its parts, and leaves it set for whoever called.
 */
public final class Cancellation {
  private Cancellation() {}

  /** Whether the calling thread was interrupted. */
  public static boolean isAsked() {
    return Thread.currentThread().isInterrupted();
  }

  /**
   * Goes on unless the calling thread was interrupted.
   *
   * @param what is going on, for the message
   * @throws CancellationException if it was
   */
  public static void check(String what) {
    if (isAsked()) {
      throw new CancellationException(what + " was ended: its thread was interrupted");
    }
  }
}
