package dev.halfstep.data;

import java.util.List;

/** Decides which columns of a CSV file are read, once its first rows are known. */
interface CsvChoice {
  /**
   * The columns to read.
   *
   * @param features indices of the feature columns, in the order in which they are to be read
   * @param target index of the label's column, or -1
   */
  record Columns(List<Integer> features, int target) {}

  /**
   * Whether the first row names the columns.
   *
   * @param head the first rows, at least one
   * @throws DataException if that cannot be decided
   */
  boolean header(List<List<String>> head) throws DataException;

  /**
   * The columns to read.
   *
   * @param names of all columns
   * @param header whether the file has them; otherwise they are "column 1" and so on
   * @throws DataException if a column does not exist
   */
  Columns columns(List<String> names, boolean header) throws DataException;
}
