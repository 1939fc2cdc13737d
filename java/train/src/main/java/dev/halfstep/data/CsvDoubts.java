package dev.halfstep.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Finds what may have been misunderstood in a CSV file. */
final class CsvDoubts {
  /** With fewer rows, nothing is doubted. */
  private static final int FEW_ROWS = 10;

  private static final int MANY_CLASSES = 100;
  private static final Pattern IDENTIFIER =
      Pattern.compile("(?i)|id|.*[_ ]id|index|idx|no\\.?|nr\\.?|row|unnamed: 0|sample|number");

  private final CsvTable table;
  private final CsvCells target;
  private final List<CsvDoubt> doubts = new ArrayList<>();

  private CsvDoubts(CsvTable table, CsvCells target) {
    this.table = table;
    this.target = target;
  }

  /**
   * The doubts about a training file.
   *
   * @param classes the number of classes; 0 for numbers to predict
   * @param said whether the caller has set if there is a header
   */
  static List<CsvDoubt> of(CsvTable table, CsvCells target, int classes, boolean said) {
    CsvDoubts all = new CsvDoubts(table, target);
    if (!said) {
      all.firstLine(classes > 0);
    }
    for (int i = 0; i < table.width() && table.rows() >= FEW_ROWS; i++) {
      all.rowNumber(i);
      all.sameAsTarget(i, classes);
    }
    if (classes > MANY_CLASSES && !target.hasTexts()) {
      all.add(
          CsvDoubt.Kind.MANY_CLASSES,
          "the label "
              + DataException.quoted(table.targetName())
              + " has "
              + classes
              + " different whole numbers, each taken as a class",
          "for numbers to be predicted say so (--regression)");
    }
    return all.doubts;
  }

  private void add(CsvDoubt.Kind kind, String evidence, String advice) {
    doubts.add(new CsvDoubt(kind, evidence, advice));
  }

  private void firstLine(boolean classes) {
    if (table.rows() < FEW_ROWS) {
      return;
    }
    if (table.header()) {
      boolean numbers = !target.isNumeric();
      for (int i = 0; i < table.width() && numbers; i++) {
        numbers = !table.feature(i).isNumeric();
      }
      if (numbers) {
        add(
            CsvDoubt.Kind.FIRST_LINE,
            "the first line was taken as a header, but no column below it holds numbers",
            "if it is a sample, say --no-header");
      }
      return;
    }
    String label = target.category(0);
    boolean alone = classes;
    for (int row = 1; row < table.rows() && alone; row++) {
      alone = !target.category(row).equals(label);
    }
    int numbers = 0;
    int far = 0;
    for (int i = 0; i < table.width(); i++) {
      if (table.feature(i).isNumeric()) {
        numbers++;
        far += isFirstFar(table.feature(i)) ? 1 : 0;
      }
    }
    boolean farAway = numbers > 0 && 2 * far >= numbers;
    if (alone || farAway) {
      add(
          CsvDoubt.Kind.FIRST_LINE,
          "the first line was taken as a sample, but "
              + (alone
                  ? "its class "
                      + DataException.quoted(label)
                      + " occurs in no other"
                      + (farAway ? ", and " : "")
                  : "")
              + (farAway
                  ? far + " of its " + numbers + " numbers lie far from those of all others"
                  : ""),
          "if it names the columns, say --header");
    }
  }

  /**
   * Whether the distance of the first row's number to all others is larger than any among those.
   */
  private boolean isFirstFar(CsvCells cells) {
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (int row = 1; row < table.rows(); row++) {
      double number = cells.number(row);
      if (!Double.isNaN(number)) {
        least = Math.min(least, number);
        most = Math.max(most, number);
      }
    }
    double first = cells.number(0);
    return Math.max(first - most, least - first) > most - least;
  }

  private void rowNumber(int feature) {
    CsvCells cells = table.feature(feature);
    boolean ones = true;
    boolean rising = true;
    boolean whole = true;
    for (int row = 0; row < table.rows() && whole; row++) {
      double number = cells.number(row);
      whole = number == Math.rint(number); // false for NaN
      if (row > 0) {
        double step = number - cells.number(row - 1);
        ones &= step == 1;
        rising &= step > 0;
      }
    }
    if (!whole) {
      return;
    }
    boolean named =
        !rising && IDENTIFIER.matcher(table.name(feature)).matches() && allDiffer(cells);
    if (ones || rising || named) {
      add(
          CsvDoubt.Kind.ROW_NUMBER,
          described(feature)
              + (ones
                  ? " is the row's number"
                  : rising
                      ? " is a whole number that rises from row to row"
                      : " is a whole number that is another one in each row"),
          "leave it out with --ignore " + table.number(feature));
    }
  }

  /** A column's number in the file, and its name if it has one. */
  private String described(int feature) {
    String number = "column " + table.number(feature);
    return table.header()
        ? number + " (" + DataException.quoted(table.name(feature)) + ")"
        : number;
  }

  private boolean allDiffer(CsvCells cells) {
    double[] sorted = new double[table.rows()];
    for (int row = 0; row < sorted.length; row++) {
      sorted[row] = cells.number(row);
    }
    Arrays.sort(sorted);
    for (int i = 1; i < sorted.length; i++) {
      if (sorted[i] == sorted[i - 1]) {
        return false;
      }
    }
    return true;
  }

  /** Adds a doubt if each of the column's values belongs to one label and the other way round. */
  private void sameAsTarget(int feature, int classes) {
    CsvCells cells = table.feature(feature);
    Map<String, String> toLabel = new HashMap<>();
    Map<String, String> toValue = new HashMap<>();
    for (int row = 0; row < table.rows(); row++) {
      String value = cells.category(row);
      String label = target.category(row);
      if (classes == 0) {
        if (!value.equals(label)) {
          return;
        }
      } else if (!toLabel.computeIfAbsent(value, v -> label).equals(label)
          || !toValue.computeIfAbsent(label, l -> value).equals(value)) {
        return;
      }
    }
    add(
        CsvDoubt.Kind.LABEL_AMONG_FEATURES,
        described(feature)
            + (classes == 0 ? " is the same as " : " has one value for each class of ")
            + DataException.quoted(table.targetName()),
        "if it is the label once more, leave it out with --ignore " + table.number(feature));
  }
}
