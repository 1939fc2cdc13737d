package dev.halfstep.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Separators of CSV fields: their names for messages, and a guess of the right one. */
final class CsvSeparator {
  private static final List<Character> USUAL = List.of(',', ';', '\t', '|', ' ');
  private static final Map<Character, String> NAMES = Map.of('\t', "tab", ' ', "spaces");
  private static final int ROWS = 10;

  private CsvSeparator() {}

  /** A separator as people write it. */
  static String named(char separator) {
    return NAMES.getOrDefault(separator, "'" + separator + "'");
  }

  /**
   * A hint to add to an error message if another separator fits the file's first rows and this one
   * does not.
   */
  static String hint(Path file, char separator) {
    if (fits(file, separator)) {
      return "";
    }
    for (char other : USUAL) {
      if (other != separator && fits(file, other)) {
        String option = other == '\t' ? "tab" : other == ' ' ? "space" : "'" + other + "'";
        return "; its fields seem to be separated by "
            + named(other)
            + ": say so (--separator "
            + option
            + ")";
      }
    }
    return "";
  }

  /** Whether the first rows have the same number of fields, at least two. */
  private static boolean fits(Path file, char separator) {
    try (CsvReader reader = CsvReader.trying(file, separator)) {
      List<String> row = reader.nextRow();
      int fields = row.size();
      for (int i = 1; i < ROWS && !row.isEmpty() && row.size() == fields; i++) {
        row = reader.nextRow();
      }
      return fields > 1 && (row.isEmpty() || row.size() == fields);
    } catch (DataException e) {
      return false;
    }
  }
}
