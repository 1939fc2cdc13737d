package dev.halfstep.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Classes made of the label column of a CSV file: whole numbers in numeric order if all labels are
 * numbers, text in the order of its characters otherwise. A label that ends in a full stop, as in
 * UCI's adult.test, is taken for the label without it if there is such a class.
 */
final class CsvClasses {
  private final int[] labels;
  private final List<String> names;

  private CsvClasses(int[] labels, List<String> names) {
    this.labels = labels;
    this.names = names;
  }

  /** The class of each row, in the order of the file. */
  int[] labels() {
    return labels.clone();
  }

  /** The names of the classes, which are their labels. */
  List<String> names() {
    return names;
  }

  /**
   * The classes of a file without missing labels.
   *
   * @throws DataException if the labels are not classes
   */
  static CsvClasses of(CsvTable table, CsvCells cells) throws DataException {
    List<String> names = cells.hasTexts() ? texts(table, cells) : numbers(table, cells);
    String column = table.file() + ", column " + DataException.quoted(table.targetName());
    if (names.size() == 1) {
      throw new DataException(
          column
              + ": all "
              + table.rows()
              + " labels are "
              + DataException.quoted(names.get(0))
              + ", expected two classes or more");
    }
    if (2L * names.size() > table.rows()) {
      throw new DataException(
          column
              + ": has "
              + names.size()
              + " different labels in "
              + table.rows()
              + " rows, expected classes of two samples or more; is this the label?"
              + (cells.hasTexts() ? "" : " For numbers to be predicted say so (--regression)"));
    }
    Map<String, Integer> classes = byName(names);
    int[] labels = new int[table.rows()];
    for (int row = 0; row < labels.length; row++) {
      labels[row] = find(classes, cells.category(row));
    }
    return new CsvClasses(labels, names);
  }

  private static List<String> texts(CsvTable table, CsvCells cells) {
    SortedSet<String> distinct = new TreeSet<>();
    for (int row = 0; row < table.rows(); row++) {
      distinct.add(cells.category(row));
    }
    return distinct.stream()
        .filter(
            name -> !name.endsWith(".") || !distinct.contains(name.substring(0, name.length() - 1)))
        .toList();
  }

  private static List<String> numbers(CsvTable table, CsvCells cells) throws DataException {
    SortedSet<Long> distinct = new TreeSet<>();
    for (int row = 0; row < table.rows(); row++) {
      double number = cells.number(row);
      if (number != Math.rint(number) || Math.abs(number) > CsvCells.MAX_WHOLE) {
        throw new DataException(
            table.place(row, table.targetName())
                + ": the label is "
                + number
                + ", expected a class: a whole number or a name; take another column as label"
                + " (--label), or, for numbers to be predicted, say so (--regression)");
      }
      distinct.add((long) number);
    }
    List<String> names = new ArrayList<>();
    distinct.forEach(number -> names.add(number.toString()));
    return names;
  }

  /** The classes by their names. */
  static Map<String, Integer> byName(List<String> names) {
    Map<String, Integer> classes = new HashMap<>();
    names.forEach(name -> classes.put(name, classes.size()));
    return classes;
  }

  /** The class of a label, or -1. */
  static int find(Map<String, Integer> classes, String label) {
    Integer exact = classes.get(label);
    if (exact != null) {
      return exact;
    }
    boolean point = label.endsWith(".");
    return classes.getOrDefault(
        point ? label.substring(0, label.length() - 1) : label + ".", Integer.valueOf(-1));
  }
}
