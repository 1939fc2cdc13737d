package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Classes made of the label column of a CSV file: whole numbers in numeric order if all labels are
 * numbers, text in the order of its characters otherwise.
 */
final class CsvClasses {
  /** Beyond this, neighbouring whole numbers are the same double. */
  private static final double MAX_WHOLE = 0x1p53;

  private final int[] labels;
  private final List<String> names;

  private CsvClasses(int[] labels, List<String> names) {
    this.labels = labels;
    this.names = names;
  }

  /** The class of a row, counted in the order of the file. */
  int label(int row) {
    return labels[row];
  }

  /** The labels that stand for the classes. */
  List<String> names() {
    return names;
  }

  static CsvClasses of(Path file, CsvTable table) throws DataException {
    boolean numeric =
        table.labels().stream().noneMatch(label -> Double.isNaN(CsvTable.number(label)));
    List<String> labels = numeric ? whole(file, table) : table.labels();
    List<String> names = new ArrayList<>();
    if (numeric) {
      SortedSet<Long> distinct = new TreeSet<>();
      labels.forEach(label -> distinct.add(Long.valueOf(label)));
      distinct.forEach(number -> names.add(number.toString()));
    } else {
      names.addAll(new TreeSet<>(labels));
    }
    String column = file + ", column \"" + table.labelColumn() + "\"";
    if (names.size() == 1) {
      throw new DataException(
          column
              + ": all "
              + labels.size()
              + " labels are \""
              + names.get(0)
              + "\", expected two classes or more");
    }
    if (2L * names.size() > labels.size()) {
      throw new DataException(
          column
              + ": has "
              + names.size()
              + " different labels in "
              + labels.size()
              + " rows, expected classes of two samples or more; is this the label?");
    }
    Map<String, Integer> classes = new HashMap<>();
    for (int i = 0; i < names.size(); i++) {
      classes.put(names.get(i), i);
    }
    return new CsvClasses(labels.stream().mapToInt(classes::get).toArray(), List.copyOf(names));
  }

  /** The labels as whole numbers in one spelling: 1 for 1.0 and +1. */
  private static List<String> whole(Path file, CsvTable table) throws DataException {
    List<String> result = new ArrayList<>();
    for (int i = 0; i < table.labels().size(); i++) {
      String label = table.labels().get(i);
      double number = CsvTable.number(label);
      if (Math.abs(number) > MAX_WHOLE || number != Math.rint(number)) {
        throw new DataException(
            file
                + ", line "
                + table.lines().get(i)
                + ", column \""
                + table.labelColumn()
                + "\": the label is "
                + label
                + ", expected a class: a whole number or a name");
      }
      result.add(Long.toString((long) number));
    }
    return result;
  }
}
