package dev.halfstep.data;

/**
 * Samples of a data set could not be read. The message names the data set and the samples; the
 * cause is the exception that {@link Dataset#gather} threw, if it threw one.
 */
public final class GatherException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final int MOST_NAMED = 4;

  private GatherException(String message, Throwable cause) {
    super(message, cause);
  }

  private GatherException(String message) {
    super(message);
  }

  /** An exception for one that {@link Dataset#gather} threw. */
  static GatherException of(String data, int[] samples, Exception cause) {
    return new GatherException(
        data + ": " + named(samples) + " cannot be read: " + DataException.printable(text(cause)),
        cause);
  }

  /** An exception for a wrong result of {@link Dataset#gather}. */
  static GatherException of(String data, int[] samples, String wrong) {
    return new GatherException(data + ": " + named(samples) + " cannot be read: " + wrong);
  }

  private static String text(Exception cause) {
    String kind = cause.getClass().getSimpleName();
    return cause.getMessage() == null ? kind : kind + ": " + cause.getMessage();
  }

  private static String named(int[] samples) {
    StringBuilder text = new StringBuilder(samples.length == 1 ? "sample " : "samples ");
    for (int i = 0; i < Math.min(samples.length, MOST_NAMED); i++) {
      text.append(i == 0 ? "" : ", ").append(samples[i]);
    }
    int more = samples.length - MOST_NAMED;
    return text.append(more > 0 ? " and " + more + " more" : "").toString();
  }
}
