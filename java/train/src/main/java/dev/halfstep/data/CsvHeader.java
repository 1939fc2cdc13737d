package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Tells whether the first row of a CSV file names the columns. */
final class CsvHeader {
  private CsvHeader() {}

  /**
   * A row without numbers is a header, unless no column below it holds numbers either and one of
   * its words occurs again below: then it is a sample. A row with numbers is a sample.
   *
   * @throws DataException if the row has a number, and also a word above a column of numbers
   */
  static boolean guessed(Path file, List<List<String>> head) throws DataException {
    List<String> first = head.get(0);
    boolean numbers = first.stream().anyMatch(CsvHeader::isNumber);
    boolean again = false;
    for (int column = 0; column < first.size(); column++) {
      String word = first.get(column);
      if (isNumber(word) || CsvCells.isGap(word)) {
        continue;
      }
      List<String> below = below(head, column);
      if (!below.isEmpty() && below.stream().allMatch(CsvHeader::isNumber)) {
        if (numbers) {
          throw new DataException(
              file
                  + ", line 1, column "
                  + (column + 1)
                  + ": "
                  + DataException.quoted(word)
                  + " stands above numbers as the name of a column does, but the line has numbers"
                  + " too: say whether it is a header (--header) or a sample (--no-header)");
        }
        return true;
      }
      again |= below.contains(word);
    }
    return !numbers && !again;
  }

  /** Whether a name is in the first row but not below it, where a class would occur again. */
  static boolean names(String name, List<List<String>> head) {
    int column = head.get(0).indexOf(name);
    return column >= 0 && !below(head, column).contains(name);
  }

  /**
   * The fields of a column below the first row, from rows of the same length; other rows are
   * refused when they are read.
   */
  private static List<String> below(List<List<String>> head, int column) {
    int length = head.get(0).size();
    List<String> fields = new ArrayList<>();
    for (List<String> row : head.subList(1, head.size())) {
      if (row.size() == length && !CsvCells.isGap(row.get(column))) {
        fields.add(row.get(column));
      }
    }
    return fields;
  }

  private static boolean isNumber(String field) {
    return !Double.isNaN(CsvCells.number(field));
  }

  /** Names for the columns of a file without a header. */
  static List<String> numbered(int columns) {
    List<String> names = new ArrayList<>();
    for (int i = 1; i <= columns; i++) {
      names.add("column " + i);
    }
    return names;
  }
}
