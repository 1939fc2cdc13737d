package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * The rows of a CSV file, in its order, for a model that was trained on another file. Columns are
 * found by name at any position; other columns are ignored.
 *
 * @param data inputs {@code F32 [inputs]}, made from the columns as for the training rows. Targets
 *     are the rows' classes, -1 if the label is missing, or the numbers in the file's units, NaN if
 *     missing. There are no targets if the file has no label column or the column is empty
 * @param doubts doubts about values that the training rows did not have
 */
public record CsvSamples(ArrayDataset data, List<CsvDoubt> doubts) {
  /**
   * Reads a file.
   *
   * @param schema the schema of the training data; a header is expected if they had one
   * @throws DataException if the file is missing, empty, not CSV, lacks a column or has it twice,
   *     or holds a field that cannot be a feature or label; the message names the line and the
   *     column
   */
  public static CsvSamples load(Path file, CsvSchema schema) throws DataException {
    CsvTable table =
        CsvTable.read(file, schema.separator(), new Choice(file, schema), Integer.MAX_VALUE);
    if (!schema.filled()) {
      CsvInputs.refuseGaps(table, "train with --missing mean, which fills them in");
    }
    int[] order = new int[table.rows()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    try {
      CsvInputs.Made inputs = CsvInputs.make(table, schema, order);
      Optional<CsvCells> labels = table.target().filter(cells -> cells.gaps() < table.rows());
      String name = String.valueOf(file.getFileName());
      ArrayDataset data =
          labels.isEmpty()
              ? ArrayDataset.of(name, inputs.features())
              : ArrayDataset.of(
                  name,
                  inputs.features(),
                  CsvTargets.further(table, labels.get(), schema.target()));
      return new CsvSamples(data, inputs.doubts());
    } catch (OutOfMemoryError e) {
      throw DataFile.tooLarge(file, " as inputs of a model", e);
    }
  }

  /** Finds the columns of the training data. */
  private record Choice(Path file, CsvSchema schema) implements CsvChoice {
    @Override
    public boolean header(List<List<String>> head) {
      return schema.header() || new HashSet<>(head.get(0)).containsAll(schema.names());
    }

    @Override
    public Columns columns(List<String> inFile, boolean header) throws DataException {
      List<String> wanted = schema.names();
      // The training file had no header: skip the one of this file.
      List<String> numbered = CsvHeader.numbered(inFile.size());
      List<String> names =
          !inFile.containsAll(wanted) && numbered.containsAll(wanted) ? numbered : inFile;
      List<String> missing = new ArrayList<>(wanted);
      missing.removeAll(new HashSet<>(names));
      if (!missing.isEmpty()) {
        throw new DataException(
            file
                + ": lacks "
                + (missing.size() == 1 ? "the column " : "the columns ")
                + DataException.listed(missing)
                + " that the model was trained on; "
                + (header
                    ? "its first line names " + DataException.listed(names)
                    : "it has "
                        + names.size()
                        + " columns, which count from 1 as in the training file, the label's too:"
                        + " it may be empty"));
      }
      List<Integer> features = new ArrayList<>();
      for (String column : wanted) {
        features.add(once(names, column));
      }
      String target = schema.target().name();
      return new Columns(features, names.contains(target) ? once(names, target) : -1);
    }

    private int once(List<String> names, String column) throws DataException {
      int index = names.indexOf(column);
      if (index != names.lastIndexOf(column)) {
        throw new DataException(
            file + ": has more than one column " + DataException.quoted(column));
      }
      return index;
    }
  }
}
