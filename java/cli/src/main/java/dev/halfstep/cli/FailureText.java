package dev.halfstep.cli;

import dev.halfstep.files.AtomicFile;
import dev.halfstep.report.OneLine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.FileSystemException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Turns exceptions into messages for people. */
final class FailureText {
  private FailureText() {}

  /** What went wrong, on one line, with the file where there is one, and without a trace. */
  static String of(Throwable thrown) {
    return OneLine.of(said(cause(thrown)));
  }

  /** The cause of exceptions that only wrap another one. */
  private static Throwable cause(Throwable thrown) {
    Throwable cause = thrown.getCause();
    boolean saysNoMore = String.valueOf(cause).equals(thrown.getMessage());
    boolean carries =
        (thrown instanceof UncheckedIOException && saysNoMore)
            || thrown instanceof InvocationTargetException
            || thrown instanceof ExecutionException
            || thrown instanceof CompletionException;
    return carries && cause != null ? cause(cause) : thrown;
  }

  private static String said(Throwable thrown) {
    if (thrown instanceof FileSystemException e) {
      return e.getFile() + ": " + AtomicFile.reason(e);
    }
    if (thrown instanceof ClosedByInterruptException) {
      return "the thread was interrupted while it wrote";
    }
    String message = thrown.getMessage();
    boolean silent = message == null || message.isBlank();
    boolean tellsItself =
        thrown instanceof IOException
            || thrown instanceof UncheckedIOException
            || thrown instanceof IllegalArgumentException
            || thrown instanceof IllegalStateException
            || thrown.getClass().getPackageName().startsWith("dev.halfstep");
    if (tellsItself && !silent) {
      return String.valueOf(message);
    }
    // An unexpected exception without a message: its name must do.
    return thrown.getClass().getSimpleName() + (silent ? "" : ": " + message);
  }
}
