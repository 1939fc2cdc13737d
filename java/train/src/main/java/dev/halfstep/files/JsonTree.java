package dev.halfstep.files;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Reads and writes JSON (RFC 8259) in the metadata of a file as plain objects: a {@code Map} in the
 * order of the text, a {@code List}, a {@code String}, a {@code Boolean}, a {@code Long} for a
 * whole number, a {@code Double} for any other. There is no {@code null}.
 */
public final class JsonTree {
  /** The most levels of nested objects and arrays, so that no text exhausts the stack. */
  public static final int MOST_LEVELS = 200;

  private JsonTree() {}

  /**
   * Reads a text.
   *
   * @param file the file that holds it, for messages
   * @param what the name of the text in messages, such as that of the metadata's entry
   * @throws ModelFileException if it is not JSON, or has a {@code null}, a name twice in one
   *     object, a number out of the range of {@code long} and {@code double}, or too many levels
   */
  public static Object read(Path file, String what, String text) throws ModelFileException {
    JsonReader reader = new JsonReader(file, "is damaged: its " + what, text);
    Object tree = reader.value(MOST_LEVELS);
    reader.end();
    return tree;
  }

  /**
   * Writes a tree on one line, each map in its iteration order. Do not use {@code Map.of} and
   * {@code Map.copyOf}: their order, and so the file, would differ from one run of Java to the
   * next.
   *
   * @throws IllegalArgumentException if it contains another type, or a number that is not finite,
   *     which JSON does not have
   */
  public static String write(Object tree) {
    if (tree instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(entry -> quote(String.valueOf(entry.getKey())) + ":" + write(entry.getValue()))
          .collect(Collectors.joining(",", "{", "}"));
    }
    if (tree instanceof List<?> list) {
      return list.stream().map(JsonTree::write).collect(Collectors.joining(",", "[", "]"));
    }
    if (tree instanceof String text) {
      return quote(text);
    }
    boolean number = tree instanceof Long || (tree instanceof Double d && Double.isFinite(d));
    if (number || tree instanceof Boolean) {
      return tree.toString();
    }
    throw new IllegalArgumentException(
        "JSON is made of maps, lists, strings, booleans, longs and finite doubles, not of " + tree);
  }

  /** A JSON string: quotes, backslashes and control characters are escaped. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
