package dev.halfstep.train;

/**
 * The reason why a run ended.
 *
 * @param kind for programs
 * @param text for users
 */
public record StopReason(Kind kind, String text) {
  /** The ways a run can end. */
  public enum Kind {
    /**
     * The budget is spent: all epochs, updates, samples or seconds; if the seconds are over before
     * the first step, there are no epochs.
     */
    COMPLETED,
    /** A metric no longer improved ({@link EarlyStopping}). */
    EARLY_STOPPING,
    /** A callback asked for it with {@link Fit#stop}. */
    STOPPED,
    /** The thread was interrupted, as {@code Future.cancel(true)} does; its flag is still set. */
    INTERRUPTED,
    /** A loss or metric became infinite or NaN, so that further training would be useless. */
    NOT_FINITE
  }

  static StopReason notFinite(String what, String advice) {
    return new StopReason(Kind.NOT_FINITE, what + ": " + advice);
  }
}
