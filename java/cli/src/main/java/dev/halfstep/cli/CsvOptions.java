package dev.halfstep.cli;

import dev.halfstep.data.Csv;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say how a CSV file is to be trained on. */
final class CsvOptions {
  private static final Map<String, Csv.Missing> MISSING =
      Map.of("mean", Csv.Missing.MEAN, "median", Csv.Missing.MEDIAN);

  @Option(
      names = "--label",
      paramLabel = "COLUMN",
      description =
          "Label column of a CSV file: its name or, where no column has that name, its number from"
              + " 1, or from -1 backwards (default: -1, the last one).")
  private @Nullable String label;

  @Option(
      names = "--ignore",
      paramLabel = "COLUMN",
      split = ",",
      description =
          "Columns of a CSV file that are no features, such as numbers of rows: names or numbers,"
              + " as for --label.")
  private List<String> ignored = List.of();

  @Option(
      names = "--regression",
      description =
          "The label of a CSV file is a number to be predicted, and no class: the loss is the mean"
              + " squared error.")
  private boolean regression;

  @Option(
      names = "--missing",
      paramLabel = "HOW",
      description =
          "mean or median: missing values of a CSV file (empty, ?, NA, NaN, null) become the mean"
              + " or median of a column of numbers, and a category of their own in a column of"
              + " texts (default: they are refused).")
  private @Nullable String missing;

  @Mixin private final CsvFormOptions form = new CsvFormOptions();

  /**
   * Sets a loader to what was asked for.
   *
   * @throws UsageException if it is impossible
   */
  Csv apply(Csv csv) {
    Csv result = label == null ? csv : csv.withLabel(label);
    result = result.ignoring(ignored.toArray(String[]::new));
    result = regression ? result.asRegression() : result;
    if (missing != null) {
      Csv.Missing how = MISSING.get(missing);
      if (how == null) {
        throw new UsageException(
            "unknown --missing '" + missing + "'.", "Possible are mean and median.");
      }
      result = result.withMissing(how);
    }
    if (form.header().isPresent()) {
      result = result.withHeader(form.header().get());
    }
    try {
      return form.separator().isPresent() ? result.withSeparator(form.separator().get()) : result;
    } catch (IllegalArgumentException e) {
      throw new UsageException("--separator: " + e.getMessage());
    }
  }

  /** An option that was given, if there is one. */
  Optional<String> given() {
    return label != null
        ? Optional.of("--label")
        : !ignored.isEmpty()
            ? Optional.of("--ignore")
            : regression
                ? Optional.of("--regression")
                : missing != null ? Optional.of("--missing") : form.given();
  }
}
