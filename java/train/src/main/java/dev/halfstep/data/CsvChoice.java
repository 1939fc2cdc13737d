package dev.halfstep.data;

import java.util.List;

/** What is read of a CSV file, decided when its first rows are known. */
interface CsvChoice {
  /**
   * Which columns are read.
   *
   * @param features indices of the feature columns, in the order in which they are wanted
   * @param target index of the label's column, or -1
   */
  record Columns(List<Integer> features, int target) {}

  /**
   * Whether the first row names the columns.
   *
   * @param head the first rows, at least one
   * @throws DataException if that cannot be told
   */
  boolean header(List<List<String>> head) throws DataException;

  /**
   * The columns to read.
   *
   * @param names of all columns
   * @param header whether they stand in the file; otherwise they are "column 1" and so on
   * @throws DataException if one is not there
   */
  Columns columns(List<String> names, boolean header) throws DataException;
}
