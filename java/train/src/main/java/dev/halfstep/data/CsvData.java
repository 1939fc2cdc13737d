package dev.halfstep.data;

import java.util.List;

/**
 * A CSV file as data to train on and to test with.
 *
 * @param parts the rows in shuffled order, features {@code F32 [columns]} already standardised
 * @param columns the names of the feature columns
 * @param labelColumn the name of the label column
 * @param standardization what was applied to each feature column: needed to prepare further rows
 */
public record CsvData(
    Split parts, List<String> columns, String labelColumn, Normalization standardization) {
  /** Copies the names. */
  public CsvData {
    columns = List.copyOf(columns);
  }
}
