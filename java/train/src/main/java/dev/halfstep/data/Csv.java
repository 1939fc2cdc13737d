package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Loads a CSV file of features and a label, one sample per row. Rows are shuffled, because files
 * are often sorted by class, and a fifth of each class is held out for tests. Means, deviations and
 * categories of the columns are computed from the training rows only: {@link CsvColumn} describes
 * how columns of numbers and of texts become inputs.
 *
 * <pre>{@code
 * Split iris = Csv.file(Path.of("iris.csv")).withLabel("species").load().parts();
 * }</pre>
 *
 * <p>If {@link #withHeader} is not called, the first row is taken as a header if it has no number
 * (and does not look like a sample of a file of texts), or if it contains the name given for the
 * label. Without a header, columns are called "column 1" and so on. A column is one of numbers if
 * at least half of its fields are numbers. Labels that are whole numbers become classes in numeric
 * order, other labels in alphabetical order; the classes have the labels as names. {@link
 * CsvData#doubts} lists what may have been misunderstood.
 *
 * <p>Immutable: each method returns another loader.
 */
public final class Csv {
  /** What to do with missing values of features: empty fields, "?", "NA", "N/A", "NaN", "null". */
  public enum Missing {
    /** An error, whose message says how many there are. */
    REFUSED,
    /**
     * A missing number becomes the mean of its column, a missing text a category for missing
     * values.
     */
    MEAN,
    /**
     * A missing number becomes the median of its column, a missing text a category for missing
     * values.
     */
    MEDIAN
  }

  private final Path file;
  private Optional<Boolean> header = Optional.empty();
  private char separator = ',';
  private CsvPlace label = CsvPlace.LAST;
  private List<CsvPlace> ignored = List.of();
  private Missing missing = Missing.REFUSED;
  private boolean regression;
  private double testFraction = 0.2;
  private double validationFraction;
  private long seed;

  private Csv(Path file) {
    this.file = Objects.requireNonNull(file, "file");
  }

  private Csv with(Consumer<Csv> change) {
    Csv next = new Csv(file);
    next.header = header;
    next.separator = separator;
    next.label = label;
    next.ignored = ignored;
    next.missing = missing;
    next.regression = regression;
    next.testFraction = testFraction;
    next.validationFraction = validationFraction;
    next.seed = seed;
    change.accept(next);
    return next;
  }

  /**
   * A loader of this file, which may be compressed with gzip: separated by commas, with the last
   * column as label, a fifth held out for tests, no validation part, and seed 0.
   */
  public static Csv file(Path file) {
    return new Csv(file);
  }

  /** Sets whether the first row names the columns; otherwise it is a sample. */
  public Csv withHeader(boolean header) {
    return with(next -> next.header = Optional.of(header));
  }

  /**
   * Sets the separator of fields.
   *
   * @param separator such as ';' or a tab; ' ' for runs of spaces and tabs
   * @throws IllegalArgumentException if it can occur in a number or a word, or is a quote or a line
   *     end
   */
  public Csv withSeparator(char separator) {
    boolean possible =
        !Character.isLetterOrDigit(separator)
            && "\"'.+-_\r\n".indexOf(separator) < 0
            && (separator == '\t' || !Character.isISOControl(separator));
    if (!possible) {
      throw new IllegalArgumentException(
          "fields cannot be separated by "
              + DataException.quoted(String.valueOf(separator))
              + ": possible are ',', ';', a tab, a space and other marks");
    }
    return with(next -> next.separator = separator);
  }

  /**
   * Takes this column as the label instead of the last one.
   *
   * @param column its name or, if no column has this name, its number: 1 is the first, -1 the last
   */
  public Csv withLabel(String column) {
    return with(next -> next.label = CsvPlace.of(column));
  }

  /**
   * Takes the column at this place as the label.
   *
   * @param column 1 is the first, -1 the last
   */
  public Csv withLabel(int column) {
    return with(next -> next.label = CsvPlace.of(column));
  }

  /**
   * Leaves columns out of the features. Each is given by its name or number, as in {@link
   * #withLabel(String)}.
   */
  public Csv ignoring(String... columns) {
    return with(next -> next.ignored = Arrays.stream(columns).map(CsvPlace::of).toList());
  }

  /** Sets what to do with missing values (default: {@link Missing#REFUSED}). */
  public Csv withMissing(Missing missing) {
    return with(next -> next.missing = Objects.requireNonNull(missing, "missing"));
  }

  /**
   * Takes the label as a number to predict instead of a class. Targets are {@link Values} of shape
   * [1], standardised with mean and deviation of the training rows; {@link CsvTarget#value}
   * converts a model's output back.
   */
  public Csv asRegression() {
    return with(next -> next.regression = true);
  }

  /** Holds out this fraction of all rows, between 0 and 1, for tests. */
  public Csv withTestFraction(double fraction) {
    return with(next -> next.testFraction = fraction);
  }

  /**
   * Leaves rows for validation out of the statistics. They are the last ones of the training part,
   * where {@link Dataset#splitLast} with the same fraction splits them off.
   *
   * @param fraction the fraction of the training part; 0 if none is split off
   */
  public Csv withValidationFraction(double fraction) {
    return with(next -> next.validationFraction = fraction);
  }

  /** Shuffles the rows with this seed. */
  public Csv withSeed(long seed) {
    return with(next -> next.seed = seed);
  }

  /**
   * Reads the file.
   *
   * @throws DataException if the file is missing, empty, not CSV, has rows of different lengths or
   *     two columns of one name, a feature that is neither a finite number nor a category, missing
   *     values although {@link Missing#REFUSED} is set, lacks the label column, or has fewer than
   *     two classes; the message names the line and the column
   * @throws IllegalArgumentException if a fraction is out of range
   */
  public CsvData load() throws DataException {
    Choice choice = new Choice();
    CsvTable table = CsvTable.read(file, separator, choice, CsvInputs.MOST_CATEGORIES);
    try {
      return data(table, choice.doubts);
    } catch (OutOfMemoryError e) {
      throw DataFile.tooLarge(file, " as inputs of a model", e);
    }
  }

  private CsvData data(CsvTable table, List<CsvDoubt> names) throws DataException {
    CsvCells target = table.target().orElseThrow();
    CsvInputs.check(table, missing);
    refuseUnlabelled(table, target);
    requireTwo(table.rows());
    Targets inFile = CsvTargets.inFile(table, target, regression);
    Lot tests = Lot.draw(groups(inFile), testFraction, seed);
    int[] train = tests.train();
    int trainRows = train.length;
    int trained = trainRows;
    if (validationFraction != 0) {
      requireTwo(trainRows);
      train = validationLast(inFile, train);
      trained -= Split.heldOut(trainRows, validationFraction);
    }
    int rows = table.rows();
    int[] order = Arrays.copyOf(train, rows);
    System.arraycopy(tests.heldOut(), 0, order, trainRows, rows - trainRows);

    List<CsvColumn> columns = CsvInputs.fitted(table, order, trained, missing);
    CsvTargets targets =
        regression
            ? CsvTargets.numbers(table, target, order, trained)
            : CsvTargets.classes(table, (Labels) inFile, order);
    CsvSchema schema =
        new CsvSchema(
            table.header(), separator, columns, targets.target(), missing != Missing.REFUSED);
    CsvInputs.Made inputs = CsvInputs.make(table, schema, order);
    Dataset all =
        ArrayDataset.of(String.valueOf(file.getFileName()), inputs.features(), targets.values());
    Split parts = new Split(all.slice(0, trainRows), all.slice(trainRows, rows));

    List<CsvDoubt> doubts = new ArrayList<>(names);
    doubts.addAll(
        CsvDoubts.of(table, target, schema.target().classes().size(), header.isPresent()));
    doubts.addAll(inputs.doubts());
    int gaps = 0;
    for (int i = 0; i < table.width(); i++) {
      gaps += table.feature(i).gaps();
    }
    return new CsvData(parts, schema, gaps, doubts);
  }

  private static void refuseUnlabelled(CsvTable table, CsvCells target) throws DataException {
    for (int row = 0; target.gaps() > 0 && row < table.rows(); row++) {
      if (target.isGap(row)) {
        throw new DataException(
            table.place(row, table.targetName())
                + ": is empty or missing, expected the sample's label"
                + (target.gaps() > 1 ? "; so it is in " + target.gaps() + " rows" : ""));
      }
    }
  }

  /**
   * The group of each row, from each of which the same fraction is drawn: its class, or 0 for
   * numbers.
   */
  private static int[] groups(Targets inFile) {
    return inFile instanceof Labels labels ? labels.toArray() : new int[inFile.size()];
  }

  /** The training rows, with those drawn for validation at the end. */
  private int[] validationLast(Targets inFile, int[] train) {
    int[] groups = groups(inFile);
    int[] ofTrain = Arrays.stream(train).map(i -> groups[i]).toArray();
    Lot lot = Lot.draw(ofTrain, validationFraction, seed);
    return IntStream.concat(Arrays.stream(lot.train()), Arrays.stream(lot.heldOut()))
        .map(i -> train[i])
        .toArray();
  }

  private void requireTwo(int rows) throws DataException {
    if (rows < 2) {
      throw new DataException(
          file
              + ": has too few rows to train, validate and test with; expected at least "
              + (validationFraction == 0 ? 2 : 3));
    }
  }

  /** Finds label and features. */
  private final class Choice implements CsvChoice {
    private final List<CsvDoubt> doubts = new ArrayList<>();

    @Override
    public boolean header(List<List<String>> head) throws DataException {
      if (header.isPresent()) {
        return header.get();
      }
      boolean byName = label.number() == 0 && label.name().isPresent();
      return (byName && CsvHeader.names(label.name().orElseThrow(), head))
          || CsvHeader.guessed(file, head);
    }

    @Override
    public Columns columns(List<String> names, boolean header) throws DataException {
      if (names.size() < 2) {
        throw new DataException(
            file
                + ": has the single column "
                + DataException.quoted(names.get(0))
                + ", expected features and a label, separated by "
                + CsvSeparator.named(separator));
      }
      int target = place(label, names, header, "to take as label");
      Set<Integer> left = new TreeSet<>();
      for (CsvPlace column : ignored) {
        left.add(place(column, names, header, "to leave out"));
      }
      if (left.contains(target)) {
        throw new DataException(
            file
                + ": the column "
                + DataException.quoted(names.get(target))
                + " is the label and cannot be left out too");
      }
      List<Integer> features = new ArrayList<>();
      for (int i = 0; i < names.size(); i++) {
        if (i != target && !left.contains(i)) {
          features.add(i);
        }
      }
      if (features.isEmpty()) {
        throw new DataException(file + ": no column is left to be a feature");
      }
      refuseTwins(names, features, target);
      return new Columns(features, target);
    }

    private int place(CsvPlace column, List<String> names, boolean header, String purpose)
        throws DataException {
      int index = column.in(file, names, header, purpose);
      if (column.nameThatIsNumber(names) && index != column.number() - 1) {
        doubts.add(
            new CsvDoubt(
                CsvDoubt.Kind.NAME_OR_PLACE,
                DataException.quoted(names.get(index))
                    + " was taken as the name of column "
                    + (index + 1)
                    + ", not as a place",
                "name a column that stands at that place by its own name"));
      }
      return index;
    }

    /**
     * Throws if two columns have the same name and one of them is used, because prediction finds
     * columns by name.
     */
    private void refuseTwins(List<String> names, List<Integer> features, int target)
        throws DataException {
      Set<String> once = new HashSet<>();
      Set<String> twice = new HashSet<>();
      names.stream().filter(name -> !once.add(name)).forEach(twice::add);
      for (int i = 0; i < names.size(); i++) {
        if (twice.contains(names.get(i)) && (i == target || features.contains(i))) {
          throw new DataException(
              file
                  + ": has more than one column "
                  + DataException.quoted(names.get(i))
                  + "; give them names of their own, or leave all of them out (--ignore, by"
                  + " number)");
        }
      }
    }
  }
}
