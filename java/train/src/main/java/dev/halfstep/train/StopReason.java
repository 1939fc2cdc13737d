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
    /** All epochs were done. */
    COMPLETED,
    /** A callback asked for it with {@link Fit#stop}. */
    STOPPED,
    /** The loss became infinite or NaN: what follows could not have learned anything. */
    NOT_FINITE
  }
}
