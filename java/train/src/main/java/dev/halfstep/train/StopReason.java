package dev.halfstep.train;

/**
 * Why a run ended.
 *
 * @param kind for programs
 * @param text for people
 */
public record StopReason(Kind kind, String text) {
  /** The ways a run can end. */
  public enum Kind {
    /**
     * The budget is spent: all epochs, updates, samples or seconds; the seconds perhaps before the
     * first step, so that there are no epochs.
     */
    COMPLETED,
    /** A metric no longer improved ({@link EarlyStopping}). */
    EARLY_STOPPING,
    /** A callback asked for it with {@link Fit#stop}. */
    STOPPED,
    /** The thread was interrupted, as {@code Future.cancel(true)} does; its flag is still set. */
    INTERRUPTED,
    /** A loss or metric became infinite or NaN: what follows could not have learned anything. */
    NOT_FINITE
  }

  static StopReason notFinite(String what, String advice) {
    return new StopReason(Kind.NOT_FINITE, what + ": " + advice);
  }
}
