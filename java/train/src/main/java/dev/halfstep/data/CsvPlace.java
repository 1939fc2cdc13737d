package dev.halfstep.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Identifies a column of a CSV file by its name, or by its position: from 1 on, or backwards from
 * -1, the last.
 *
 * @param name its name, if one was given; it takes precedence over the position
 * @param number its position; 0 if none was given
 */
record CsvPlace(Optional<String> name, int number) {
  /** The last column. */
  static final CsvPlace LAST = CsvPlace.of(-1);

  private static final Pattern NUMBER = Pattern.compile("[+-]?[0-9]{1,7}");

  /** A name, or a position if no column has this name. */
  static CsvPlace of(String text) {
    String name = text.strip();
    return new CsvPlace(
        Optional.of(name), NUMBER.matcher(name).matches() ? Integer.parseInt(name) : 0);
  }

  /** A place. */
  static CsvPlace of(int number) {
    return new CsvPlace(Optional.empty(), number);
  }

  /** Whether the text is a number and also one of these names. */
  boolean nameThatIsNumber(List<String> names) {
    return number != 0 && name.isPresent() && names.contains(name.get());
  }

  /**
   * The index of the column.
   *
   * @param purpose what the column is needed for, such as "to take as label"
   * @throws DataException if there is no such column, or more than one with this name
   */
  int in(Path file, List<String> names, boolean header, String purpose) throws DataException {
    if (name.isPresent() && names.contains(name.get())) {
      int index = names.indexOf(name.get());
      if (index != names.lastIndexOf(name.get())) {
        throw new DataException(
            file
                + ": has more than one column "
                + DataException.quoted(name.get())
                + " "
                + purpose
                + ": "
                + DataException.listed(names));
      }
      return index;
    }
    int index = number < 0 ? names.size() + number : number - 1;
    if (number == 0 || index < 0 || index >= names.size()) {
      throw new DataException(
          file
              + ": has no column "
              + (name.isPresent() ? DataException.quoted(name.get()) : "number " + number)
              + " "
              + purpose
              + (header
                  ? "; its first line names " + DataException.listed(names)
                  : "; it has " + names.size() + " columns and no line that names them"));
    }
    return index;
  }
}
