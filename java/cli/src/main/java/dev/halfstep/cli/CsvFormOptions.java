package dev.halfstep.cli;

import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what a CSV file looks like. */
final class CsvFormOptions {
  private static final Map<String, Character> NAMES =
      Map.of("tab", '\t', "\\t", '\t', "space", ' ', "comma", ',', "semicolon", ';');

  @Option(
      names = "--header",
      negatable = true,
      description =
          "Whether the first line of a CSV file names the columns (default: if it has no number).")
  private @Nullable Boolean header;

  @Option(
      names = "--separator",
      paramLabel = "CHAR",
      description =
          "What stands between the fields of a CSV file: a character, tab, or space for runs of"
              + " spaces (default: ',').")
  private @Nullable String separator;

  /** What was said of the first line. */
  Optional<Boolean> header() {
    return Optional.ofNullable(header);
  }

  /**
   * The separator that was given.
   *
   * @throws UsageException if it is none
   */
  Optional<Character> separator() {
    if (separator == null) {
      return Optional.empty();
    }
    Character named = NAMES.get(separator);
    if (named == null && separator.length() != 1) {
      throw new UsageException(
          "--separator '" + separator + "' is not one character.",
          "Possible are ',', ';', '|', tab and space.");
    }
    return Optional.of(named == null ? separator.charAt(0) : named);
  }

  /** An option that was given, if there is one. */
  Optional<String> given() {
    return header != null
        ? Optional.of(header ? "--header" : "--no-header")
        : Optional.ofNullable(separator).map(text -> "--separator");
  }
}
