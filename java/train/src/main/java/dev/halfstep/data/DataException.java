package dev.halfstep.data;

import java.io.IOException;

/**
 * A file cannot be read as the data it was given for. The message stands alone: it names the file
 * (and the line and column where there are such), what was found and what was expected.
 */
public final class DataException extends IOException {
  private static final long serialVersionUID = 1;

  DataException(String message) {
    super(message);
  }

  DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
