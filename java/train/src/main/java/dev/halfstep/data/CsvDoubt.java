package dev.halfstep.data;

/**
 * Something in a CSV file that is read, but may not be what it is taken for.
 *
 * @param kind which, for programs
 * @param evidence what was found
 * @param advice what to do if it is so
 */
public record CsvDoubt(Kind kind, String evidence, String advice) {
  /** What can be doubted. */
  public enum Kind {
    /** A first line that was taken as a sample may be a header, or the other way round. */
    FIRST_LINE,
    /** A column counts the rows, or numbers the samples. */
    ROW_NUMBER,
    /** A feature says the label. */
    LABEL_AMONG_FEATURES,
    /** A column was named by a number that is also a place. */
    NAME_OR_PLACE,
    /** So many classes of numbers that they may be values. */
    MANY_CLASSES,
    /** Values so far from those that were trained on that they were limited. */
    FAR_VALUES,
    /** Texts that are none of the categories that were trained on. */
    UNKNOWN_CATEGORY
  }

  /** Shows what comes from a file without control characters. */
  public CsvDoubt {
    evidence = DataException.printable(evidence);
  }
}
