package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Rows of a CSV file for a model that was trained on another one, in the order of the file. Columns
 * are found by their names, wherever they stand; other columns are passed over. As in {@link Csv},
 * columns of a file without a header are called "column 1" and so on.
 *
 * @param features {@code F32 [columns]}, standardised as the training rows were
 * @param labels the rows' classes, if the file has the label column
 */
public record CsvSamples(Features features, Optional<Labels> labels) {
  /**
   * Reads a file.
   *
   * @param columns names of the feature columns, in the model's order
   * @param labelColumn name of the label column
   * @param classes names of the classes
   * @param standardization what was applied to each column in training
   * @throws DataException if the file is missing, empty, not CSV, lacks a column or has it twice,
   *     or holds a feature that is not a finite number or a label that is none of the classes; the
   *     message names the line and the column
   */
  public static CsvSamples load(
      Path file,
      List<String> columns,
      String labelColumn,
      List<String> classes,
      Normalization standardization)
      throws DataException {
    try (CsvReader reader = new CsvReader(file)) {
      List<String> row = reader.nextRow();
      if (row.isEmpty()) {
        throw new DataException(file + ": is empty, expected a row of numbers for each sample");
      }
      boolean header =
          row.containsAll(columns)
              || row.stream().allMatch(field -> Double.isNaN(CsvTable.number(field)));
      List<String> names = header ? List.copyOf(row) : CsvTable.numbered(row.size());
      int[] places = places(file, header, names, columns);
      int labelPlace = names.indexOf(labelColumn);
      Map<String, Integer> classOf = new HashMap<>();
      classes.forEach(name -> classOf.put(name, classOf.size()));
      if (header) {
        row = reader.nextRow();
      }
      List<float[]> features = new ArrayList<>();
      List<Integer> labels = new ArrayList<>();
      for (; !row.isEmpty(); row = reader.nextRow()) {
        String place = file + ", line " + reader.rowLine();
        if (row.size() != names.size()) {
          throw new DataException(
              place
                  + ": has "
                  + row.size()
                  + " fields, expected "
                  + names.size()
                  + " as in the first line");
        }
        float[] sample = new float[places.length];
        for (int i = 0; i < places.length; i++) {
          double x = CsvTable.feature(place, header, columns.get(i), row.get(places[i]));
          sample[i] = (float) standardization.apply(x, i);
        }
        features.add(sample);
        if (labelPlace >= 0) {
          labels.add(label(place, labelColumn, row.get(labelPlace), classOf, classes));
        }
      }
      if (features.isEmpty()) {
        throw new DataException(file + ": holds no rows but its header " + names);
      }
      return new CsvSamples(
          adopt(features, columns.size()),
          labelPlace < 0
              ? Optional.empty()
              : Optional.of(
                  Labels.of(labels.stream().mapToInt(i -> i).toArray(), classes.size())
                      .withNames(classes)));
    }
  }

  private static Features adopt(List<float[]> rows, int columns) {
    ByteBuffer values = DirectBuffers.allocate(DType.F32, (long) rows.size() * columns, "features");
    for (float[] row : rows) {
      for (float value : row) {
        values.putFloat(value);
      }
    }
    return Features.adopt(values.flip(), DType.F32, Shape.of(columns));
  }

  /** Where each column stands. */
  private static int[] places(Path file, boolean header, List<String> names, List<String> columns)
      throws DataException {
    List<String> missing = new ArrayList<>(columns);
    missing.removeAll(names);
    if (!missing.isEmpty()) {
      throw new DataException(
          file
              + ": lacks "
              + (missing.size() == 1 ? "the column " : "the columns ")
              + missing
              + " that the model was trained on; "
              + (header ? "its first line names " + names : "it has no header to name columns"));
    }
    int[] places = new int[columns.size()];
    for (int i = 0; i < places.length; i++) {
      String column = columns.get(i);
      places[i] = names.indexOf(column);
      if (places[i] != names.lastIndexOf(column)) {
        throw new DataException(file + ": has more than one column \"" + column + "\"");
      }
    }
    return places;
  }

  private static int label(
      String place, String column, String field, Map<String, Integer> classOf, List<String> classes)
      throws DataException {
    String text = CsvTable.label(place, column, field);
    Integer label = classOf.get(text);
    double number = CsvTable.number(text);
    if (label == null && number == Math.rint(number)) {
      label = classOf.get(Long.toString((long) number));
    }
    if (label == null) {
      throw new DataException(
          place
              + ", column \""
              + column
              + "\": \""
              + text
              + "\" is none of the model's classes "
              + classes);
    }
    return label;
  }
}
