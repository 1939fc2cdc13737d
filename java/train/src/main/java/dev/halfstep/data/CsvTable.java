package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A CSV file's rows in the order of the file.
 *
 * @param columns names of the feature columns
 * @param labelColumn name of the label column
 * @param features one array of {@code columns} finite numbers a row
 * @param labels the text of the label, one a row, never blank
 * @param lines the line on which each row began
 */
record CsvTable(
    List<String> columns,
    String labelColumn,
    List<double[]> features,
    List<String> labels,
    List<Integer> lines) {

  /** Reads and checks all rows; without a name, the last column is the label. */
  static CsvTable read(Path file, Optional<String> label) throws DataException {
    try (CsvReader reader = new CsvReader(file)) {
      List<String> row = reader.nextRow();
      if (row.isEmpty()) {
        throw new DataException(
            file + ": is empty, expected a row of numbers and a label for each sample");
      }
      boolean header = label.isPresent() || row.stream().allMatch(x -> Double.isNaN(number(x)));
      List<String> names = header ? List.copyOf(row) : numbered(row.size());
      int labelIndex = labelIndex(file, names, label);
      if (header) {
        row = reader.nextRow();
      }
      if (row.isEmpty()) {
        throw new DataException(file + ": holds no rows but its header " + names);
      }
      List<double[]> features = new ArrayList<>();
      List<String> labels = new ArrayList<>();
      List<Integer> lines = new ArrayList<>();
      while (!row.isEmpty()) {
        String place = file + ", line " + reader.rowLine();
        if (row.size() != names.size()) {
          throw new DataException(
              place
                  + ": has "
                  + row.size()
                  + " fields, expected "
                  + names.size()
                  + " as in the first line");
        }
        features.add(features(place, header, names, row, labelIndex));
        labels.add(label(place, names.get(labelIndex), row.get(labelIndex)));
        lines.add(reader.rowLine());
        row = reader.nextRow();
      }
      List<String> columns = new ArrayList<>(names);
      columns.remove(labelIndex);
      return new CsvTable(List.copyOf(columns), names.get(labelIndex), features, labels, lines);
    }
  }

  private static int labelIndex(Path file, List<String> names, Optional<String> label)
      throws DataException {
    if (names.size() < 2) {
      throw new DataException(
          file
              + ": has the single column \""
              + names.get(0)
              + "\", expected features and a label, separated by commas");
    }
    if (label.isEmpty()) {
      return names.size() - 1;
    }
    String wanted = label.get();
    int index = names.indexOf(wanted);
    if (index < 0) {
      throw new DataException(
          file
              + ": has no column \""
              + wanted
              + "\" to take as label; its first line names "
              + names);
    }
    if (index != names.lastIndexOf(wanted)) {
      throw new DataException(
          file + ": has more than one column \"" + wanted + "\" to take as label: " + names);
    }
    return index;
  }

  private static double[] features(
      String place, boolean header, List<String> names, List<String> row, int labelIndex)
      throws DataException {
    double[] numbers = new double[row.size() - 1];
    int count = 0;
    for (int i = 0; i < row.size(); i++) {
      if (i == labelIndex) {
        continue;
      }
      numbers[count++] = feature(place, header, names.get(i), row.get(i));
    }
    return numbers;
  }

  /**
   * The number that a field holds.
   *
   * @param header whether the first line was taken as a header
   */
  static double feature(String place, boolean header, String column, String field)
      throws DataException {
    double number = number(field);
    // It must also be finite as a single-precision number, which it may become.
    if (!Float.isFinite((float) number)) {
      throw new DataException(
          place
              + ", column \""
              + column
              + "\": "
              + (field.isBlank() ? "is empty" : "\"" + field + "\"")
              + ", expected a finite number"
              + (header ? "" : " (a first line is a header only if it has no numbers)"));
    }
    return number;
  }

  /** The label that a field holds. */
  static String label(String place, String column, String text) throws DataException {
    String label = text.strip();
    if (label.isEmpty()) {
      throw new DataException(
          place + ", column \"" + column + "\": is empty, expected the sample's label");
    }
    return label;
  }

  /** The decimal number that a field holds, or NaN if it holds something else. */
  static double number(String field) {
    String text = field.strip();
    int length = text.length();
    // Java alone also reads "1d", "0x1p3" and "Infinity".
    if (length == 0
        || "0123456789.".indexOf(text.charAt(length - 1)) < 0
        || text.contains("x")
        || text.contains("X")) {
      return Double.NaN;
    }
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
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
