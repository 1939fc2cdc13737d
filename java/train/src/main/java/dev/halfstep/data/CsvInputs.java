package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Makes inputs of a model from the columns of a CSV file. */
final class CsvInputs {
  /** The most categories that a column may have. */
  static final int MOST_CATEGORIES = 1000;

  private static final int FEW_ROWS = 20;
  private static final Pattern DECIMAL_COMMA = Pattern.compile("[+-]?[0-9]+,[0-9]+");

  private CsvInputs() {}

  /**
   * Inputs.
   *
   * @param features F32 {@code [inputs]}
   * @param doubts about values that the training rows did not have
   */
  record Made(Features features, List<CsvDoubt> doubts) {}

  /**
   * Throws for fields that cannot be features: missing values, unless they are filled in, and texts
   * among numbers.
   */
  static void check(CsvTable table, Csv.Missing missing) throws DataException {
    for (int i = 0; i < table.width(); i++) {
      if (table.feature(i).isNumeric()) {
        refuseTexts(table, i);
      }
    }
    if (missing == Csv.Missing.REFUSED) {
      refuseGaps(table, "have them filled in (--missing mean)");
    }
  }

  /**
   * The columns with their statistics, after {@link #check}.
   *
   * @param order of the rows
   * @param trained the number of training rows, which come first
   */
  static List<CsvColumn> fitted(CsvTable table, int[] order, int trained, Csv.Missing missing)
      throws DataException {
    List<CsvColumn> columns = new ArrayList<>();
    for (int i = 0; i < table.width(); i++) {
      CsvCells cells = table.feature(i);
      if (cells.isNumeric()) {
        columns.add(ofNumbers(table, i, order, trained, missing == Csv.Missing.MEDIAN));
      } else {
        columns.add(ofTexts(table, i, order, trained));
      }
    }
    return columns;
  }

  private static CsvColumn ofNumbers(
      CsvTable table, int column, int[] order, int trained, boolean median) throws DataException {
    double[] numbers = new double[trained];
    int count = 0;
    for (int i = 0; i < trained; i++) {
      double number = table.feature(column).number(order[i]);
      if (!Double.isNaN(number)) {
        numbers[count++] = number;
      }
    }
    if (count == 0) {
      throw nothing(table, column);
    }
    return CsvColumn.ofNumbers(table.name(column), Arrays.copyOf(numbers, count), median);
  }

  private static CsvColumn ofTexts(CsvTable table, int column, int[] order, int trained)
      throws DataException {
    CsvCells cells = table.feature(column);
    String place = table.file() + ", column " + DataException.quoted(table.name(column));
    if (cells.texts().stream().allMatch(text -> DECIMAL_COMMA.matcher(text).matches())) {
      throw new DataException(
          place
              + ": has numbers with a decimal comma, such as "
              + DataException.quoted(cells.texts().get(0))
              + "; expected a point");
    }
    if (table.rows() >= FEW_ROWS && 2L * cells.distinctTexts() > table.rows()) {
      throw new DataException(
          place
              + ": has "
              + cells.distinctTexts()
              + " different texts in "
              + table.rows()
              + " rows, such as "
              + DataException.quoted(cells.texts().get(0))
              + ": that is no category; leave the column out (--ignore)");
    }
    TreeSet<String> categories = new TreeSet<>();
    for (int i = 0; i < trained; i++) {
      categories.add(cells.category(order[i]));
    }
    if (categories.equals(new TreeSet<>(List.of("")))) {
      throw nothing(table, column);
    }
    return CsvColumn.ofTexts(table.name(column), List.copyOf(categories));
  }

  private static DataException nothing(CsvTable table, int column) {
    return new DataException(
        table.file()
            + ", column "
            + DataException.quoted(table.name(column))
            + ": has no value in the rows that are trained on; leave it out (--ignore)");
  }

  private static void refuseTexts(CsvTable table, int column) throws DataException {
    CsvCells cells = table.feature(column);
    for (int row = 0; cells.hasTexts() && row < table.rows(); row++) {
      if (cells.isText(row)) {
        throw new DataException(
            table.place(row, table.name(column))
                + ": "
                + DataException.quoted(cells.category(row))
                + ", expected a finite number");
      }
    }
  }

  /** Throws for missing values, with their number in each column. */
  static void refuseGaps(CsvTable table, String advice) throws DataException {
    List<String> where = new ArrayList<>();
    for (int i = 0; i < table.width(); i++) {
      CsvCells cells = table.feature(i);
      if (cells.gaps() > 0) {
        int first = 0;
        while (!cells.isGap(first)) {
          first++;
        }
        where.add(
            String.format(
                "%d in column %s (the first in line %d)",
                cells.gaps(), DataException.quoted(table.name(i)), table.line(first)));
      }
    }
    if (!where.isEmpty()) {
      throw new DataException(
          table.file()
              + ": has missing values: "
              + DataException.listed(where)
              + "; leave these rows or columns out, or "
              + advice);
    }
  }

  /** Converts the rows to inputs, in this order. */
  static Made make(CsvTable table, CsvSchema schema, int[] order) throws DataException {
    List<CsvDoubt> doubts = new ArrayList<>();
    int width = schema.inputs();
    ByteBuffer values;
    try {
      values = DirectBuffers.allocate(DType.F32, (long) order.length * width, "features");
    } catch (IllegalArgumentException e) {
      throw new DataException(table.file() + ": " + e.getMessage(), e);
    }
    int at = 0;
    for (int i = 0; i < table.width(); i++) {
      CsvColumn column = schema.columns().get(i);
      if (column.ofTexts()) {
        setTexts(table.feature(i), column, order, values, at, width, doubts);
      } else {
        refuseTexts(table, i);
        setNumbers(table.feature(i), column, order, values, at, width, doubts);
      }
      at += column.inputs();
    }
    return new Made(Features.adopt(values, DType.F32, Shape.of(width)), doubts);
  }

  private static void setNumbers(
      CsvCells cells,
      CsvColumn column,
      int[] order,
      ByteBuffer values,
      int at,
      int width,
      List<CsvDoubt> doubts) {
    int far = 0;
    double farthest = 0;
    for (int i = 0; i < order.length; i++) {
      double number = cells.number(order[i]);
      double x = ((Double.isNaN(number) ? column.fill() : number) - column.mean()) / column.std();
      double limited = Math.max(-CsvColumn.LIMIT, Math.min(CsvColumn.LIMIT, x));
      // The farthest training values may exceed the limit by a rounding error.
      if (Math.abs(x) > CsvColumn.LIMIT * (1 + 1e-9)) {
        far++;
        farthest = Math.abs(x - limited) > Math.abs(farthest) ? number : farthest;
      }
      values.putFloat(Float.BYTES * (i * width + at), (float) limited);
    }
    if (far > 0) {
      doubts.add(
          new CsvDoubt(
              CsvDoubt.Kind.FAR_VALUES,
              String.format(
                  "column %s is in %d of %d rows more than %.0f deviations from the mean %s of"
                      + " those trained on, such as %s, and counts as %.0f deviations",
                  DataException.quoted(column.name()),
                  far,
                  order.length,
                  CsvColumn.LIMIT,
                  (float) column.mean(),
                  CsvCells.spelled(farthest),
                  CsvColumn.LIMIT),
              "look at the column's units and outliers"));
    }
  }

  private static void setTexts(
      CsvCells cells,
      CsvColumn column,
      int[] order,
      ByteBuffer values,
      int at,
      int width,
      List<CsvDoubt> doubts) {
    Map<String, Integer> places = new HashMap<>();
    column.categories().forEach(category -> places.put(category, places.size()));
    int unknown = 0;
    String example = "";
    for (int i = 0; i < order.length; i++) {
      String category = cells.category(order[i]);
      Integer place = places.get(category);
      if (place != null) {
        values.putFloat(Float.BYTES * (i * width + at + place), 1);
      } else {
        unknown++;
        example = category;
      }
    }
    if (unknown > 0) {
      doubts.add(
          new CsvDoubt(
              CsvDoubt.Kind.UNKNOWN_CATEGORY,
              String.format(
                  "column %s has in %d of %d rows a category that is not in those trained on, such"
                      + " as %s; it counts as none",
                  DataException.quoted(column.name()),
                  unknown,
                  order.length,
                  DataException.quoted(example)),
              "train on data that have them, if they matter"));
    }
  }
}
