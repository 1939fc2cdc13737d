package dev.halfstep.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Names a column of a CSV file: by its name, or by its place, from 1, or from -1 for the last one
 * backwards.
 *
 * @param name its name, if it was given one; it goes before the place
 * @param number its place; 0 if there is none
 */
record CsvPlace(Optional<String> name, int number) {
  /** The last column. */
  static final CsvPlace LAST = CsvPlace.of(-1);

  private static final Pattern NUMBER = Pattern.compile("[+-]?[0-9]{1,7}");

  /** A name, or a place where no column has this name. */
  static CsvPlace of(String text) {
    String name = text.strip();
    return new CsvPlace(
        Optional.of(name), NUMBER.matcher(name).matches() ? Integer.parseInt(name) : 0);
  }

  /** A place. */
  static CsvPlace of(int number) {
    return new CsvPlace(Optional.empty(), number);
  }

  /** Whether the text could be both, and is a name among these. */
  boolean nameThatIsNumber(List<String> names) {
    return number != 0 && name.isPresent() && names.contains(name.get());
  }

  /**
   * The index of the column.
   *
   * @param purpose what it is wanted for, such as "to take as label"
   * @throws DataException if there is none, or more than one of the name
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
