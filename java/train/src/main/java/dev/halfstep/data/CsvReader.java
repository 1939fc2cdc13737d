package dev.halfstep.data;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the rows of a CSV file as RFC 4180 defines them, with any separator: lines ended by CR LF,
 * LF or CR, fields in double quotes may hold separators, line ends and doubled quotes. UTF-8, with
 * or without a byte order mark, compressed with gzip or not. Spaces around fields and blank lines
 * are skipped, and so is a first line that begins with '|', a remark in UCI's files.
 *
 * <p>The separator ' ' stands for any run of spaces and tabs; those at the ends of a line are
 * skipped.
 */
final class CsvReader implements AutoCloseable {
  private static final int END = -1;
  private static final char BYTE_ORDER_MARK = '\uFEFF';
  private static final int LONGEST_FIELD = 1 << 16;
  private static final int MOST_FIELDS = 1 << 20;

  private final Path file;
  private final char separator;
  private final boolean trying;
  private final Reader in;
  private final char[] buffer = new char[1 << 14];
  private int position;
  private int filled;
  private final StringBuilder field = new StringBuilder();
  private int line = 1;
  private int rowLine;
  private int next;

  CsvReader(Path file, char separator) throws DataException {
    this(file, separator, false);
  }

  private CsvReader(Path file, char separator, boolean trying) throws DataException {
    this.file = file;
    this.separator = separator;
    this.trying = trying;
    this.in =
        new InputStreamReader(
            DataFile.open(file, "a CSV file"), StandardCharsets.UTF_8.newDecoder());
    advance();
    if (next == BYTE_ORDER_MARK) {
      advance();
    }
    if (next == '|' && separator != '|') {
      while (!atLineEnd()) {
        advance();
      }
    }
  }

  /** A reader to try whether a separator fits; its messages do not suggest other separators. */
  static CsvReader trying(Path file, char separator) throws DataException {
    return new CsvReader(file, separator, true);
  }

  /** The line on which the last row began; the first is 1. */
  int rowLine() {
    return rowLine;
  }

  /** The fields of the next row, or an empty list at the end. */
  List<String> nextRow() throws DataException {
    skipBlanks();
    while (next == '\r' || next == '\n') {
      endLine();
      skipBlanks();
    }
    rowLine = line;
    List<String> row = new ArrayList<>();
    if (next == END) {
      return row;
    }
    row.add(nextField());
    while (separator == ' ' ? !atLineEnd() : next == separator) {
      if (separator != ' ') {
        advance();
      }
      row.add(nextField());
      if (row.size() > MOST_FIELDS) {
        throw at(rowLine, "has more than " + MOST_FIELDS + " fields");
      }
    }
    if (next != END) {
      endLine();
    }
    return row;
  }

  /** Reads a field and the blanks around it. */
  private String nextField() throws DataException {
    field.setLength(0);
    skipBlanks();
    if (next == '"') {
      quotedField();
      skipBlanks();
      return field.toString();
    }
    while (!atFieldEnd()) {
      if (next == '"') {
        throw at(line, "a quote inside a field that does not start with one");
      }
      take((char) next);
    }
    int end = field.length();
    while (end > 0 && isBlank(field.charAt(end - 1))) {
      end--;
    }
    skipBlanks();
    return field.substring(0, end);
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
        take('"');
      } else if (next == '\r' || next == '\n') {
        field.append('\n');
        endLine();
      } else {
        take((char) next);
      }
    }
    if (!atFieldEnd() && !isBlank(next)) {
      throw at(line, "text after a closing quote; quotes inside a field are doubled");
    }
    skipBlanks();
    if (!atFieldEnd() && separator != ' ') {
      throw at(line, "text after a closing quote; quotes inside a field are doubled");
    }
  }

  /** Adds the next character to the field. */
  private void take(char c) throws DataException {
    if (field.length() >= LONGEST_FIELD) {
      throw at(line, "a field is longer than " + LONGEST_FIELD + " characters; expected a table");
    }
    field.append(c);
    advance();
  }

  private void skipBlanks() throws DataException {
    while (isBlank(next)) {
      advance();
    }
  }

  private boolean isBlank(int c) {
    return c == ' ' || (c == '\t' && separator != '\t');
  }

  private boolean atLineEnd() {
    return next == '\r' || next == '\n' || next == END;
  }

  private boolean atFieldEnd() {
    return atLineEnd() || next == separator || (separator == ' ' && isBlank(next));
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
    if (position == filled) {
      try {
        filled = in.read(buffer);
        position = 0;
      } catch (CharacterCodingException e) {
        throw new DataException(file + ": is not UTF-8 text near line " + line, e);
      } catch (IOException e) {
        throw DataFile.unreadable(file, e);
      }
      if (filled < 0) {
        filled = 0;
        next = END;
        return;
      }
    }
    next = buffer[position++];
  }

  private DataException at(int where, String problem) {
    String hint = trying ? "" : CsvSeparator.hint(file, separator);
    return new DataException(file + ", line " + where + ": " + problem + hint);
  }

  @Override
  public void close() throws DataException {
    try {
      in.close();
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    }
  }
}
