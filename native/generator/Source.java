package generator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A source file that is being written: lines of at most 100 columns, as the formatters break them.
 */
final class Source {
  /** The longest line. */
  static final int COLUMNS = 100;

  private final StringBuilder text = new StringBuilder();

  /** Appends a line as it is. */
  Source line(String line) {
    text.append(line).append('\n');
    return this;
  }

  /** Appends an empty line. */
  Source line() {
    return line("");
  }

  /** Appends {@code head(arguments)tail}, broken where it is too long. */
  Source call(int indent, String head, List<String> arguments, String tail) {
    brokenCall(indent, head, arguments, tail).forEach(this::line);
    return this;
  }

  /** Appends {@code outer(head(arguments))tail}, broken where it is too long. */
  Source nestedCall(int indent, String outer, String head, List<String> arguments, String tail) {
    String whole = " ".repeat(indent) + outer + "(" + head + "(" + String.join(", ", arguments);
    if (whole.length() + 2 + tail.length() <= COLUMNS) {
      return line(whole + "))" + tail);
    }
    line(" ".repeat(indent) + outer + "(");
    return call(indent + 4, head, arguments, ")" + tail);
  }

  private static List<String> brokenCall(
      int indent, String head, List<String> arguments, String tail) {
    String margin = " ".repeat(indent);
    String inner = margin + "    ";
    String joined = String.join(", ", arguments);
    if (indent + head.length() + joined.length() + 2 + tail.length() <= COLUMNS) {
      return List.of(margin + head + "(" + joined + ")" + tail);
    }
    List<String> lines = new ArrayList<>();
    lines.add(margin + head + "(");
    if (inner.length() + joined.length() + 1 + tail.length() <= COLUMNS) {
      lines.add(inner + joined + ")" + tail);
    } else {
      for (int i = 0; i < arguments.size(); i++) {
        boolean last = i == arguments.size() - 1;
        lines.add(inner + arguments.get(i) + (last ? ")" + tail : ","));
      }
    }
    return lines;
  }

  /** Appends Javadoc: a text and, after an empty line, tags such as {@code @throws}. */
  Source javadoc(int indent, String words, String... tags) {
    String margin = " ".repeat(indent);
    if (tags.length == 0 && indent + words.length() + 7 <= COLUMNS) {
      return line(margin + "/** " + words + " */");
    }
    line(margin + "/**");
    wrapped(margin + " * ", margin + " * ", words);
    if (tags.length > 0) {
      line(margin + " *");
    }
    for (String tag : tags) {
      wrapped(margin + " * ", margin + " *     ", tag);
    }
    return line(margin + " */");
  }

  /** Appends words in lines, each of which begins with a prefix. */
  Source wrapped(String first, String others, String words) {
    return filled(first, others, List.of(words.split(" ")), " ");
  }

  /** Appends items, with as many on a line as fit. */
  Source filled(String first, String others, List<String> items, String separator) {
    StringBuilder line = new StringBuilder(first);
    for (int i = 0; i < items.size(); i++) {
      boolean last = i == items.size() - 1;
      String item = items.get(i) + (last ? "" : separator);
      if (line.length() > others.length()
          && line.length() + item.stripTrailing().length() > COLUMNS) {
        line(line.toString().stripTrailing());
        line = new StringBuilder(others);
      }
      line.append(item);
    }
    return line(line.toString().stripTrailing());
  }

  /**
   * Writes the file, unless it has this text already: then nothing that is built from it is
   * rebuilt.
   */
  void writeTo(Path file) throws IOException {
    if (Files.exists(file) && Files.readString(file).contentEquals(text)) {
      return;
    }
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
