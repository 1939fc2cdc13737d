package dev.halfstep.data;

import dev.halfstep.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The label column of a CSV file as targets.
 *
 * @param target what is predicted
 * @param values one for each row, in the requested order
 */
record CsvTargets(CsvTarget target, Targets values) {
  /** The class of rows without a label. */
  private static final int UNLABELLED = -1;

  /**
   * The classes, or the numbers in the file's units, in the order of the file. No row may lack its
   * target.
   */
  static Targets inFile(CsvTable table, CsvCells cells, boolean regression) throws DataException {
    if (!regression) {
      CsvClasses classes = CsvClasses.of(table, cells);
      return Labels.of(classes.labels(), classes.names().size()).withNames(classes.names());
    }
    refuseTexts(table, cells);
    float[] values = new float[table.rows()];
    for (int row = 0; row < values.length; row++) {
      values[row] = (float) cells.number(row);
    }
    return Values.of(values, Shape.of(1));
  }

  /** Classes. */
  static CsvTargets classes(CsvTable table, Labels inFile, int[] order) {
    int[] labels = Arrays.stream(order).map(inFile::get).toArray();
    return new CsvTargets(
        new CsvTarget(table.targetName(), inFile.names(), 0, 1),
        Labels.of(labels, inFile.classes()).withNames(inFile.names()));
  }

  /** Numbers, standardised with mean and deviation of the training rows, which come first. */
  static CsvTargets numbers(CsvTable table, CsvCells cells, int[] order, int trained)
      throws DataException {
    double[] numbers = new double[trained];
    for (int i = 0; i < trained; i++) {
      numbers[i] = cells.number(order[i]);
    }
    String name = table.targetName();
    double first = numbers[0];
    double mean = first;
    for (double number : numbers) {
      mean += (number - first) / trained;
    }
    double squares = 0;
    for (double number : numbers) {
      squares += (number - mean) * (number - mean);
    }
    double std = Math.sqrt(squares / trained);
    if (!(std > 0)) {
      throw new DataException(
          table.file()
              + ", column "
              + DataException.quoted(name)
              + ": all values that are trained on are "
              + CsvCells.spelled(first)
              + ", expected different ones");
    }
    float[] values = new float[order.length];
    for (int i = 0; i < order.length; i++) {
      values[i] = (float) ((cells.number(order[i]) - mean) / std);
    }
    return new CsvTargets(
        new CsvTarget(name, List.of(), mean, std), Values.of(values, Shape.of(1)));
  }

  /**
   * The targets of new rows, in the order of the file: labels, -1 if missing, or numbers in the
   * file's units, NaN if missing.
   *
   * @throws DataException if a label is not one of the classes, or not a number
   */
  static Targets further(CsvTable table, CsvCells cells, CsvTarget target) throws DataException {
    if (target.ofNumbers()) {
      return inFile(table, cells, true);
    }
    int rows = table.rows();
    Map<String, Integer> classes = CsvClasses.byName(target.classes());
    int[] labels = new int[rows];
    for (int row = 0; row < rows; row++) {
      labels[row] = cells.isGap(row) ? UNLABELLED : CsvClasses.find(classes, cells.category(row));
      if (labels[row] < 0 && !cells.isGap(row)) {
        throw new DataException(
            table.place(row, target.name())
                + ": "
                + DataException.quoted(cells.category(row))
                + " is none of the model's classes "
                + DataException.listed(target.classes()));
      }
    }
    return Labels.of(labels, Shape.of(), target.classes().size(), OptionalInt.of(UNLABELLED))
        .withNames(target.classes());
  }

  private static void refuseTexts(CsvTable table, CsvCells cells) throws DataException {
    for (int row = 0; cells.hasTexts() && row < table.rows(); row++) {
      if (cells.isText(row)) {
        throw new DataException(
            table.place(row, table.targetName())
                + ": "
                + DataException.quoted(cells.category(row))
                + ", expected a finite number, as it is to be predicted");
      }
    }
  }
}
