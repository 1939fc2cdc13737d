package dev.halfstep.cli;

import dev.halfstep.data.Csv;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.DataException;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Idx;
import dev.halfstep.data.Mnist;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What {@code --data} names. Generated data and the cutting of a file into parts do not depend on
 * {@code --seed}: runs that differ in their seed see the same samples.
 */
final class DataSource {
  static final String POSSIBLE =
      "Possible are digits, random, mnist:DIR, idx:SAMPLES,LABELS and csv:FILE.";

  private static final String IDX_FORM =
      "idx:SAMPLES,LABELS, or idx:SAMPLES,LABELS,SAMPLES,LABELS with those of the tests";

  private static final List<String> KINDS = List.of("digits", "random", "mnist", "idx", "csv");

  /** What data are made from where nothing is read, and parts are drawn by. */
  static final long SEED = 0;

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
        case "idx" -> new Loaded(idx(source));
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

  /** Files of samples and labels, or two such pairs. */
  private static Split idx(String source) throws DataException {
    List<Path> files = paths(source, IDX_FORM);
    return switch (files.size()) {
      case 2 -> Idx.load(files.get(0), files.get(1));
      case 4 -> Idx.load(files.get(0), files.get(1), files.get(2), files.get(3));
      default ->
          throw new UsageException(
              "--data " + source + ": names " + files.size() + " files.", IDX_FORM);
    };
  }

  private static long withoutPlace(String source, Optional<String> place) {
    if (place.isPresent()) {
      throw new UsageException("--data " + source + ": takes nothing after a colon.", POSSIBLE);
    }
    return SEED;
  }

  /**
   * What stands behind the colon, empty if there is none; a tilde at its beginning, which no shell
   * replaces there, is the home.
   */
  static String place(String source) {
    return atHome(source.contains(":") ? source.substring(source.indexOf(':') + 1) : "");
  }

  private static String atHome(String place) {
    boolean home = place.equals("~") || place.startsWith("~/");
    return home ? System.getProperty("user.home") + place.substring(1) : place;
  }

  /**
   * The path behind the colon.
   *
   * @throws UsageException if there is none
   */
  static Path path(String source, String form) {
    return path(source, place(source), form);
  }

  /**
   * The paths behind the colon, separated by commas.
   *
   * @throws UsageException if there is none, or one is empty
   */
  static List<Path> paths(String source, String form) {
    path(source, form);
    return Arrays.stream(source.substring(source.indexOf(':') + 1).split(",", -1))
        .map(place -> path(source, atHome(place), form))
        .toList();
  }

  private static Path path(String source, String place, String form) {
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
