package dev.halfstep.data;

import java.util.List;
import java.util.Objects;

/**
 * Describes how to read further CSV files for a model that was trained on one: the columns and how
 * they become the model's inputs.
 *
 * @param header whether the first line names the columns; otherwise they are called "column 1" and
 *     so on
 * @param separator the separator of fields; ' ' for runs of spaces and tabs
 * @param columns the feature columns, in the order of the model's inputs
 * @param target what is predicted
 * @param filled whether missing values are filled in; otherwise they are an error
 */
public record CsvSchema(
    boolean header, char separator, List<CsvColumn> columns, CsvTarget target, boolean filled) {
  /** Copies the columns. */
  public CsvSchema {
    Objects.requireNonNull(target, "target");
    columns = List.copyOf(columns);
  }

  /** The same schema for files with or without a header, or with another separator. */
  public CsvSchema withForm(boolean header, char separator) {
    return new CsvSchema(header, separator, columns, target, filled);
  }

  /** The number of the model's inputs. */
  public int inputs() {
    return columns.stream().mapToInt(CsvColumn::inputs).sum();
  }

  /** The names of the feature columns. */
  List<String> names() {
    return columns.stream().map(CsvColumn::name).toList();
  }
}
