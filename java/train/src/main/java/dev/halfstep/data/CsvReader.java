package dev.halfstep.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the rows of a CSV file as RFC 4180 defines them: fields separated by commas, lines ended by
 * CR LF, LF or CR, fields in double quotes may hold commas, line ends and doubled quotes. UTF-8,
 * with or without a byte order mark. Blank lines are passed over.
 */
final class CsvReader implements AutoCloseable {
  private static final int END = -1;
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final Path file;
  private final BufferedReader in;
  private final StringBuilder field = new StringBuilder();
  private int line = 1;
  private int rowLine;
  private int next;

  CsvReader(Path file) throws DataException {
    this.file = file;
    if (Files.isDirectory(file)) {
      throw new DataException(file + ": is a folder, expected a CSV file");
    }
    try {
      this.in = Files.newBufferedReader(file, StandardCharsets.UTF_8);
      this.next = in.read();
    } catch (IOException e) {
      throw unreadable(e);
    }
    if (next == BYTE_ORDER_MARK) {
      advance();
    }
  }

  /** The line on which the last row began; the first is 1. */
  int rowLine() {
    return rowLine;
  }

  /** The fields of the next row, or an empty list at the end. */
  List<String> nextRow() throws DataException {
    while (next == '\r' || next == '\n') {
      endLine();
    }
    rowLine = line;
    List<String> row = new ArrayList<>();
    if (next == END) {
      return row;
    }
    row.add(nextField());
    while (next == ',') {
      advance();
      row.add(nextField());
    }
    if (next != END) {
      endLine();
    }
    return row;
  }

  private String nextField() throws DataException {
    field.setLength(0);
    if (next == '"') {
      quotedField();
    } else {
      while (next != ',' && next != '\r' && next != '\n' && next != END) {
        if (next == '"') {
          throw at(line, "a quote inside a field that does not start with one");
        }
        field.append((char) next);
        advance();
      }
    }
    return field.toString();
  }

  private void quotedField() throws DataException {
    int start = line;
    advance();
    while (true) {
      if (next == END) {
        throw at(start, "a quote is opened and never closed");
      } else if (next == '"') {
        advance();
        if (next != '"') {
          break;
        }
        field.append('"');
        advance();
      } else if (next == '\r' || next == '\n') {
        field.append('\n');
        endLine();
      } else {
        field.append((char) next);
        advance();
      }
    }
    if (next != ',' && next != '\r' && next != '\n' && next != END) {
      throw at(line, "text after a closing quote; quotes inside a field are doubled");
    }
  }

  private void endLine() throws DataException {
    boolean carriageReturn = next == '\r';
    advance();
    if (carriageReturn && next == '\n') {
      advance();
    }
    line++;
  }

  private void advance() throws DataException {
    try {
      next = in.read();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private DataException at(int where, String problem) {
    return new DataException(file + ", line " + where + ": " + problem);
  }

  private DataException unreadable(IOException e) {
    if (e instanceof NoSuchFileException) {
      return new DataException(file + ": there is no such file", e);
    }
    if (e instanceof CharacterCodingException) {
      return new DataException(file + ": is not UTF-8 text near line " + line, e);
    }
    return new DataException(file + ": cannot be read (" + e + ")", e);
  }

  @Override
  public void close() throws DataException {
    try {
      in.close();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }
}
