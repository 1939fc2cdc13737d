package dev.halfstep.data;

/**
 * Something in a CSV file that may have been misunderstood when it was read.
 *
 * @param kind the kind of doubt, for programs
 * @param evidence what was found
 * @param advice what to do if it was misunderstood
 */
public record CsvDoubt(Kind kind, String evidence, String advice) {
  /** The kinds of doubt. */
  public enum Kind {
    /** The first line was taken as a sample and may be a header, or the other way round. */
    FIRST_LINE,
    /** A column seems to be the number of the row or sample. */
    ROW_NUMBER,
    /** A feature determines the label. */
    LABEL_AMONG_FEATURES,
    /** A column was given by a number that is both a name and a position. */
    NAME_OR_PLACE,
    /** There are so many numeric classes that they may be values. */
    MANY_CLASSES,
    /** Values were so far from those of the training rows that they were limited. */
    FAR_VALUES,
    /** Texts are not among the categories of the training rows. */
    UNKNOWN_CATEGORY
  }

  /** Escapes control characters in texts that come from the file. */
  public CsvDoubt {
    evidence = DataException.printable(evidence);
  }
}
