package dev.halfstep.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The chosen columns of a CSV file, with the rows in the order of the file. */
final class CsvTable {
  /** The number of rows that are read before the header is decided on. */
  private static final int HEAD = 100;

  private final Path file;
  private final boolean header;
  private final List<String> names;
  private final int[] places;
  private final int targetPlace;
  private final List<CsvCells> features = new ArrayList<>();
  private final CsvCells target = new CsvCells();
  private final int mostTexts;
  private int[] lines = new int[64];
  private int rows;

  private CsvTable(
      Path file, boolean header, List<String> names, CsvChoice.Columns columns, int mostTexts) {
    this.file = file;
    this.header = header;
    this.names = names;
    this.places = columns.features().stream().mapToInt(i -> i).toArray();
    this.targetPlace = columns.target();
    this.mostTexts = mostTexts;
    for (int i = 0; i < places.length; i++) {
      features.add(new CsvCells());
    }
  }

  /**
   * Reads all rows.
   *
   * @param mostTexts the most different texts of a feature column
   * @throws DataException if the file is not a table, holds no row, or lacks a chosen column
   */
  static CsvTable read(Path file, char separator, CsvChoice choice, int mostTexts)
      throws DataException {
    try (CsvReader reader = new CsvReader(file, separator)) {
      try {
        return read(file, separator, reader, choice, mostTexts);
      } catch (OutOfMemoryError e) {
        throw DataFile.tooLarge(file, " (line " + reader.rowLine() + " was reached)", e);
      }
    }
  }

  private static CsvTable read(
      Path file, char separator, CsvReader reader, CsvChoice choice, int mostTexts)
      throws DataException {
    List<List<String>> head = new ArrayList<>();
    List<Integer> headLines = new ArrayList<>();
    List<String> row = reader.nextRow();
    for (; !row.isEmpty() && head.size() < HEAD; row = reader.nextRow()) {
      head.add(row);
      headLines.add(reader.rowLine());
    }
    if (head.isEmpty()) {
      throw new DataException(file + ": is empty, expected a row for each sample");
    }
    int width = head.get(0).size();
    boolean header = choice.header(head);
    List<String> names = header ? List.copyOf(head.get(0)) : CsvHeader.numbered(width);
    CsvTable table;
    try {
      table = new CsvTable(file, header, names, choice.columns(names, header), mostTexts);
    } catch (DataException e) {
      throw new DataException(e.getMessage() + CsvSeparator.hint(file, separator), e);
    }
    for (int i = header ? 1 : 0; i < head.size(); i++) {
      table.add(head.get(i), headLines.get(i), separator);
    }
    for (; !row.isEmpty(); row = reader.nextRow()) {
      table.add(row, reader.rowLine(), separator);
    }
    if (table.rows == 0) {
      throw new DataException(
          file + ": holds no rows but its header " + DataException.listed(names));
    }
    return table;
  }

  private void add(List<String> row, int line, char separator) throws DataException {
    if (row.size() != names.size()) {
      throw new DataException(
          file
              + ", line "
              + line
              + ": has "
              + row.size()
              + " fields, expected "
              + names.size()
              + " as in the first line"
              + CsvSeparator.hint(file, separator));
    }
    for (int i = 0; i < features.size(); i++) {
      CsvCells cells = features.get(i);
      cells.add(row.get(places[i]));
      if (cells.distinctTexts() > mostTexts) {
        throw new DataException(
            file
                + ", line "
                + line
                + ", column "
                + DataException.quoted(name(i))
                + ": has more than "
                + mostTexts
                + " different texts: names, numbers of documents and free text are no categories;"
                + " leave the column out (--ignore)");
      }
    }
    if (targetPlace >= 0) {
      target.add(row.get(targetPlace));
    }
    if (rows == lines.length) {
      lines = Arrays.copyOf(lines, Math.addExact(rows, rows / 2));
    }
    lines[rows++] = line;
  }

  Path file() {
    return file;
  }

  /** Whether the first row names the columns. */
  boolean header() {
    return header;
  }

  /** The names of all columns of the file. */
  List<String> names() {
    return names;
  }

  /** How many samples there are. */
  int rows() {
    return rows;
  }

  /** How many feature columns there are. */
  int width() {
    return features.size();
  }

  /** A feature column's name. */
  String name(int feature) {
    return names.get(places[feature]);
  }

  /** The position of a feature column in the file, from 1. */
  int number(int feature) {
    return places[feature] + 1;
  }

  /** A feature column. */
  CsvCells feature(int feature) {
    return features.get(feature);
  }

  /** The label column, if it was chosen and exists. */
  Optional<CsvCells> target() {
    return targetPlace < 0 ? Optional.empty() : Optional.of(target);
  }

  /** The name of the label column. */
  String targetName() {
    return names.get(targetPlace);
  }

  /** A position in the file, by row and column, for messages. */
  String place(int row, String column) {
    return file + ", line " + lines[row] + ", column " + DataException.quoted(column);
  }

  /** The line on which a row began. */
  int line(int row) {
    return lines[row];
  }
}
