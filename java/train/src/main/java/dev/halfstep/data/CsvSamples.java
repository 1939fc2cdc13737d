package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * Rows of a CSV file for a model that was trained on another one, in the order of the file. Columns
 * are found by their names, wherever they stand; other columns are passed over.
 *
 * @param data inputs {@code F32 [inputs]}, made of the columns as those of the training rows were;
 *     as targets the rows' classes, -1 where the label is empty or missing, or numbers, in their
 *     own units, NaN where there is none; without targets if the file has no label's column or all
 *     of it is empty
 * @param doubts about values that training did not see
 */
public record CsvSamples(ArrayDataset data, List<CsvDoubt> doubts) {
  /**
   * Reads a file.
   *
   * @param schema of the training data; a header is expected if they had one
   * @throws DataException if the file is missing, empty, not CSV, lacks a column or has it twice,
   *     or holds a feature or label that cannot be one; the message names the line and the column
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
      // A first line that is to be passed over: the training file had none.
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
