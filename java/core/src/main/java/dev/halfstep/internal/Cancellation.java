package dev.halfstep.internal;

import java.util.concurrent.CancellationException;

/**
 * Cancels long work in Java's usual way, by the interrupt flag of its thread. The work calls {@link
 * #check} between its parts; the flag stays set for the caller.
 */
public final class Cancellation {
  private Cancellation() {}

  /** Whether the calling thread was interrupted. */
  public static boolean isAsked() {
    return Thread.currentThread().isInterrupted();
  }

  /**
   * Throws if the calling thread was interrupted.
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
