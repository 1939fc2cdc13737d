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
 * Loads a CSV file of features and a label, one sample a row. Rows are shuffled (files are often
 * sorted by class) and a fifth of each class is drawn to be held out for tests. What is measured of
 * columns, their means, deviations and categories, is that of the training rows alone: {@link
 * CsvColumn} says how columns of numbers and of texts become inputs.
 *
 * <pre>{@code
 * Split iris = Csv.file(Path.of("iris.csv")).withLabel("species").load().parts();
 * }</pre>
 *
 * <p>Unless {@link #withHeader} says whether the first row names the columns, it does if it has no
 * number (and is not plainly a sample of a file of texts), or if the label was given by a name that
 * it has; without a header columns are called "column 1" and so on. Columns of which at least half
 * are numbers are columns of numbers. Labels that are whole numbers become classes in numeric
 * order, other labels in alphabetical order; the classes carry their names. What may not be what it
 * was taken for is said in {@link CsvData#doubts}.
 *
 * <p>Immutable: each method returns another loader.
 */
public final class Csv {
  /**
   * What is done with missing values of features: empty fields, "?", "NA", "N/A", "NaN", "null".
   */
  public enum Missing {
    /** They are an error; the message says how many there are. */
    REFUSED,
    /** Numbers become the mean of their column, texts a category of their own. */
    MEAN,
    /** Numbers become the median of their column, texts a category of their own. */
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
   * A loader of this file, which may be compressed with gzip: commas, the last column as label, a
   * fifth for tests, no validation, seed 0.
   */
  public static Csv file(Path file) {
    return new Csv(file);
  }

  /** Says whether the first row names the columns or is a sample. */
  public Csv withHeader(boolean header) {
    return with(next -> next.header = Optional.of(header));
  }

  /**
   * Says what stands between fields.
   *
   * @param separator such as ';' or a tab; ' ' for runs of spaces and tabs
   * @throws IllegalArgumentException if it could stand in a number or a word, or is a quote or a
   *     line end
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
   * @param column its name or, where no column has this name, its number: 1 is the first, -1 the
   *     last
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

  /** Leaves columns out of the features, each given by its name or number, as a label is. */
  public Csv ignoring(String... columns) {
    return with(next -> next.ignored = Arrays.stream(columns).map(CsvPlace::of).toList());
  }

  /** Says what is done with missing values (default: {@link Missing#REFUSED}). */
  public Csv withMissing(Missing missing) {
    return with(next -> next.missing = Objects.requireNonNull(missing, "missing"));
  }

  /**
   * Takes the label as a number that is to be predicted and not as a class: targets are {@link
   * Values} of shape [1], standardised with mean and deviation of the training rows; {@link
   * CsvTarget#value} turns a model's output back.
   */
  public Csv asRegression() {
    return with(next -> next.regression = true);
  }

  /** Holds out this fraction of all rows, between 0 and 1, for tests. */
  public Csv withTestFraction(double fraction) {
    return with(next -> next.testFraction = fraction);
  }

  /**
   * Leaves the rows that {@link Dataset#splitLast} will later cut off the training part for
   * validation out of the statistics. They stay in the training part, at its end.
   *
   * @param fraction of the training part; 0 if none will be cut off
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
   *     values that are not to be filled in, no such label column, or fewer than two classes; the
   *     message names the line and the column
   * @throws IllegalArgumentException if a fraction is not one
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

  /** What is drawn from in equal shares: classes, or all rows alike. */
  private static int[] groups(Targets inFile) {
    return inFile instanceof Labels labels ? labels.toArray() : new int[inFile.size()];
  }

  /** The rows to train on, those at the end that are drawn for validation. */
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

    /** Prediction finds columns by their names: a name that is used must be one column's. */
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
