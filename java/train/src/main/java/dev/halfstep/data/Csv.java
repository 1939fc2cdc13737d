package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Loads a CSV file of numbers and a class: one sample a row, all columns but the label's are
 * features. Rows are shuffled (files are often sorted by class), the last fifth is held out for
 * tests, and columns are standardised with the statistics of the training rows alone, in double
 * precision. A column that is constant there is only centred.
 *
 * <pre>{@code
 * Split iris = Csv.file(Path.of("iris.csv")).withLabel("species").load().parts();
 * }</pre>
 *
 * <p>The first row is a header if none of its fields is a number, or if the label column was given
 * by name; otherwise columns are called "column 1" and so on. Labels that are whole numbers become
 * classes in numeric order, other labels in alphabetical order; the classes carry their names.
 *
 * <p>Immutable: each {@code with} method returns another loader.
 */
public final class Csv {
  private final Path file;
  private final Optional<String> label;
  private final double testFraction;
  private final double validationFraction;
  private final long seed;

  private Csv(
      Path file,
      Optional<String> label,
      double testFraction,
      double validationFraction,
      long seed) {
    this.file = file;
    this.label = label;
    this.testFraction = testFraction;
    this.validationFraction = validationFraction;
    this.seed = seed;
  }

  /** A loader of this file: last column as label, a fifth for tests, no validation, seed 0. */
  public static Csv file(Path file) {
    return new Csv(file, Optional.empty(), 0.2, 0, 0);
  }

  /** Takes the column of this name as the label instead of the last one. */
  public Csv withLabel(String column) {
    return new Csv(file, Optional.of(column), testFraction, validationFraction, seed);
  }

  /** Holds out this fraction of all rows, between 0 and 1, for tests. */
  public Csv withTestFraction(double fraction) {
    return new Csv(file, label, fraction, validationFraction, seed);
  }

  /**
   * Leaves the rows that {@link Dataset#splitLast} will later cut off the training part for
   * validation out of the statistics. They stay in the training part, at its end.
   *
   * @param fraction of the training part; 0 if none will be cut off
   */
  public Csv withValidationFraction(double fraction) {
    return new Csv(file, label, testFraction, fraction, seed);
  }

  /** Shuffles the rows with this seed. */
  public Csv withSeed(long seed) {
    return new Csv(file, label, testFraction, validationFraction, seed);
  }

  /**
   * Reads the file.
   *
   * @throws DataException if the file is missing, empty, not CSV, has rows of different lengths, a
   *     feature that is not a finite number, no such label column, or fewer than two classes; the
   *     message names the line and the column
   * @throws IllegalArgumentException if a fraction is not one
   */
  public CsvData load() throws DataException {
    CsvTable table = CsvTable.read(file, label);
    int rows = table.labels().size();
    int testRows = heldOut(rows, testFraction);
    int trainRows = rows - testRows;
    int validationRows = validationFraction == 0 ? 0 : heldOut(trainRows, validationFraction);

    int[] order = new int[rows];
    Order.shuffled(new Philox(RandomStream.DATA.key(seed), 0), order);
    Normalization standardization = statistics(table, order, trainRows - validationRows);
    CsvClasses classes = CsvClasses.of(file, table);
    int columns = table.columns().size();
    ByteBuffer features = DirectBuffers.allocate(DType.F32, (long) rows * columns, "features");
    int[] labels = new int[rows];
    for (int i = 0; i < rows; i++) {
      double[] row = table.features().get(order[i]);
      for (int column = 0; column < columns; column++) {
        features.putFloat((float) standardization.apply(row[column], column));
      }
      labels[i] = classes.label(order[i]);
    }
    Dataset all =
        Dataset.of(
            String.valueOf(file.getFileName()),
            Features.adopt(features.flip(), DType.F32, Shape.of(columns)),
            Labels.of(labels, classes.names().size()).withNames(classes.names()));
    Split parts = new Split(all.slice(0, trainRows), all.slice(trainRows, rows));
    return new CsvData(parts, table.columns(), table.labelColumn(), standardization);
  }

  private int heldOut(int rows, double fraction) throws DataException {
    if (rows < 2) {
      throw new DataException(
          file
              + ": has too few rows to train, validate and test with; expected at least "
              + (validationFraction == 0 ? 2 : 3));
    }
    return Split.heldOut(rows, fraction);
  }

  /** Mean and standard deviation (biased) of each column over the first rows in this order. */
  private static Normalization statistics(CsvTable table, int[] order, int rows) {
    int columns = table.columns().size();
    double[] mean = new double[columns];
    double[] std = new double[columns];
    List<double[]> features = table.features();
    for (int column = 0; column < columns; column++) {
      double first = features.get(order[0])[column];
      double sum = 0;
      double squares = 0;
      boolean constant = true;
      for (int i = 0; i < rows; i++) {
        double x = features.get(order[i])[column];
        sum += x - first;
        constant &= x == first;
      }
      mean[column] = first + sum / rows;
      for (int i = 0; i < rows; i++) {
        double deviation = features.get(order[i])[column] - mean[column];
        squares += deviation * deviation;
      }
      double deviation = Math.sqrt(squares / rows);
      std[column] = constant || deviation == 0 ? 1 : deviation;
    }
    return Normalization.of(mean, std);
  }
}
