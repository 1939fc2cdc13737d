package dev.halfstep.data;

import java.util.List;
import java.util.Objects;

/**
 * What must be known to read further CSV files for a model that was trained on one: what stands in
 * which column, and how it becomes the model's inputs.
 *
 * @param header whether the first line names the columns; otherwise they are called "column 1" and
 *     so on
 * @param separator what stands between fields; ' ' for runs of spaces and tabs
 * @param columns the feature columns, in the order of the model's inputs
 * @param target what is predicted
 * @param filled whether missing values are filled in; otherwise rows with such are refused
 */
public record CsvSchema(
    boolean header, char separator, List<CsvColumn> columns, CsvTarget target, boolean filled) {
  /** Copies the columns. */
  public CsvSchema {
    Objects.requireNonNull(target, "target");
    columns = List.copyOf(columns);
  }

  /** The same for files of another form: with a header or without, or with another separator. */
  public CsvSchema withForm(boolean header, char separator) {
    return new CsvSchema(header, separator, columns, target, filled);
  }

  /** How many inputs the model has. */
  public int inputs() {
    return columns.stream().mapToInt(CsvColumn::inputs).sum();
  }

  /** The names of the feature columns. */
  List<String> names() {
    return columns.stream().map(CsvColumn::name).toList();
  }
}
