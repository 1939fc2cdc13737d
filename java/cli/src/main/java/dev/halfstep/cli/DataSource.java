package dev.halfstep.cli;

import dev.halfstep.data.Csv;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.DataException;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Mnist;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What {@code --data} names. Generated data and the cutting of a file into parts do not depend on
 * {@code --seed}: runs that differ in their seed see the same samples.
 */
final class DataSource {
  static final String POSSIBLE = "Possible are digits, random, mnist:DIR and csv:FILE.";

  private static final List<String> KINDS = List.of("digits", "random", "mnist", "csv");

  /** What data are made from where nothing is read. */
  private static final long DATA_SEED = 0;

  private DataSource() {}

  /**
   * What a source holds.
   *
   * @param parts training and test data
   * @param csv more on the columns, where it is a CSV file
   */
  record Loaded(Split parts, Optional<CsvData> csv) {
    /** The outputs of a model for these data. */
    int outputs() {
      return csv.map(table -> table.schema().target().outputs()).orElse(parts.train().classes());
    }

    private Loaded(Split parts) {
      this(parts, Optional.empty());
    }

    private Loaded(CsvData csv) {
      this(csv.parts(), Optional.of(csv));
    }
  }

  /**
   * Loads the training and the test data.
   *
   * @param source what was given for {@code --data}
   * @param options how a CSV file is to be read
   * @param validationFraction of the training data that will be cut off for validation
   * @throws UsageException if the source is unknown, or the files are missing or damaged
   */
  static Loaded load(String source, CsvOptions options, double validationFraction) {
    int colon = source.indexOf(':');
    String kind = colon < 0 ? source : source.substring(0, colon);
    Optional<String> place =
        colon < 0 ? Optional.empty() : Optional.of(source.substring(colon + 1));
    if (!kind.equals("csv") && options.given().isPresent()) {
      throw new UsageException(
          options.given().get() + " is for CSV files, but --data is " + source);
    }
    try {
      return switch (kind) {
        case "digits" -> new Loaded(Digits.generate(withoutPlace(source, place)));
        case "random" -> new Loaded(RandomData.unlearnable(withoutPlace(source, place)));
        case "mnist" -> new Loaded(Mnist.load(path(source, "mnist:DIR")));
        case "csv" -> {
          Csv csv = Csv.file(path(source, "csv:FILE"));
          yield new Loaded(options.apply(csv.withValidationFraction(validationFraction)).load());
        }
        default ->
            throw new UsageException(
                "unknown --data '" + source + "'." + Suggestion.didYouMean(kind, KINDS), POSSIBLE);
      };
    } catch (DataException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  private static long withoutPlace(String source, Optional<String> place) {
    if (place.isPresent()) {
      throw new UsageException("--data " + source + ": takes nothing after a colon.", POSSIBLE);
    }
    return DATA_SEED;
  }

  /**
   * What stands behind the colon, empty if there is none; a tilde at its beginning, which no shell
   * replaces there, is the home.
   */
  static String place(String source) {
    String place = source.contains(":") ? source.substring(source.indexOf(':') + 1) : "";
    boolean home = place.equals("~") || place.startsWith("~/");
    return home ? System.getProperty("user.home") + place.substring(1) : place;
  }

  /**
   * The path behind the colon.
   *
   * @throws UsageException if there is none
   */
  static Path path(String source, String form) {
    String place = place(source);
    if (place.isBlank()) {
      throw new UsageException(
          "--data " + source + ": says not where the data are.", "Give it as " + form + ".");
    }
    try {
      return Path.of(place);
    } catch (InvalidPathException e) {
      throw UsageException.noPath("--data " + source, e);
    }
  }
}
