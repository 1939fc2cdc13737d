package dev.halfstep;

/**
 * A failure of the device or of the native library: not a misuse, for which there are {@link
 * IllegalArgumentException} and {@link IllegalStateException}, but something that the machine
 * refused.
 */
public final class HalfstepException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** What failed, as {@code hs_status} in {@code halfstep.h} names it. */
  public enum Status {
    /** The device's memory, or the limit set for it, is used up; the message says by what. */
    OUT_OF_MEMORY,
    /** Possible, but not on this device or with this library. */
    UNSUPPORTED,
    /** No such device, or its driver or plug-in is missing. */
    NO_DEVICE,
    /**
     * The device reported an error. It cannot be used any more and answers every call with this
     * first cause: close it. On CUDA the process has to be restarted before a GPU is used again.
     */
    DEVICE_FAILED,
    /** The native library could not be loaded. */
    NOT_LOADED
  }

  private final Status status;

  /** A failure with its kind and a message for people. */
  public HalfstepException(Status status, String message) {
    super(message);
    this.status = status;
  }

  /** A failure that another one caused. */
  public HalfstepException(Status status, String message, Throwable cause) {
    super(message, cause);
    this.status = status;
  }

  /** What failed and what to do; never null. */
  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }

  /** What kind of failure it was. */
  public Status status() {
    return status;
  }
}
