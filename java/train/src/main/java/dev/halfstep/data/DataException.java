package dev.halfstep.data;

import java.io.IOException;
import java.util.List;

/**
 * A file cannot be read as the expected kind of data. The message is complete by itself: it names
 * the file (and line and column, if it has them), what was found and what was expected. Quotations
 * from the file are shortened, and control characters in them are escaped.
 */
public final class DataException extends IOException {
  private static final long serialVersionUID = 1;

  private static final int LONGEST_QUOTE = 60;
  private static final int MOST_NAMES = 12;

  DataException(String message) {
    super(printable(message));
  }

  DataException(String message, Throwable cause) {
    super(printable(message), cause);
  }

  /** A quotation from a file, shortened. */
  static String quoted(String text) {
    return '"' + printable(shortened(text)) + '"';
  }

  /** Names from a file in brackets; if there are too many, only the first ones and their number. */
  static String listed(List<String> names) {
    List<String> shown = names.stream().limit(MOST_NAMES).map(DataException::shortened).toList();
    String all = String.join(", ", shown);
    return names.size() <= MOST_NAMES
        ? "[" + all + "]"
        : "[" + all + ", ...] (" + names.size() + ")";
  }

  private static String shortened(String text) {
    if (text.length() <= LONGEST_QUOTE) {
      return text;
    }
    int end = LONGEST_QUOTE - (Character.isHighSurrogate(text.charAt(LONGEST_QUOTE - 1)) ? 1 : 0);
    return text.substring(0, end) + "... (" + text.length() + " characters)";
  }

  /** The text with control characters escaped, which could steer a terminal. */
  static String printable(String text) {
    StringBuilder result = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int type = Character.getType(c);
      boolean steers =
          type == Character.CONTROL
              || type == Character.FORMAT
              || type == Character.LINE_SEPARATOR
              || type == Character.PARAGRAPH_SEPARATOR;
      if (c == '\n') {
        result.append("\\n");
      } else if (steers) {
        result.append(String.format("\\u%04x", (int) c));
      } else {
        result.append(c);
      }
    }
    return result.toString();
  }
}
