package dev.halfstep.report;

import java.util.Locale;

/**
 * Prepares text for a terminal. Texts from files and names can be of any length and can hold
 * control characters, which would move the cursor or change colours.
 */
public final class OneLine {
  private static final int LONGEST = 2000;

  private OneLine() {}

  /**
   * The text on one line: control characters as {@code \n} or <code>&#92;u001b</code>, and cut
   * where it is too long to be read.
   */
  public static String of(String text) {
    boolean cut = text.length() > LONGEST;
    StringBuilder line = new StringBuilder();
    (cut ? text.substring(0, LONGEST) : text).codePoints().forEach(point -> append(line, point));
    return cut ? line + "... (" + text.length() + " characters)" : line.toString();
  }

  private static void append(StringBuilder line, int point) {
    switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT, // marks that turn the direction of writing
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          line.append(
              switch (point) {
                case '\n' -> "\\n";
                case '\r' -> "\\r";
                case '\t' -> "\\t";
                default -> String.format(Locale.ROOT, "\\u%04x", point);
              });
      default -> line.appendCodePoint(point);
    }
  }
}
