package dev.halfstep.train;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;

/**
 * Reads the history of a run from a checkpoint, and checks every value: a checkpoint may come from
 * anywhere, and its checksum proves only that the file is unchanged. Numbers that no run can reach
 * are refused with an IOException that names them.
 */
final class RunInput extends DataInputStream {
  RunInput(byte[] bytes) {
    super(new ByteArrayInputStream(bytes));
  }

  /** Reads an integer in [least, most]. */
  int number(String what, int least, int most) throws IOException {
    return (int) number(what, readInt(), least, most);
  }

  /** As above, for 64 bits. */
  long longNumber(String what, long least, long most) throws IOException {
    return number(what, readLong(), least, most);
  }

  private static long number(String what, long value, long least, long most) throws IOException {
    if (value < least || value > most) {
      throw new IOException(
          what + " is " + value + ", where only " + least + " to " + most + " is possible");
    }
    return value;
  }

  /**
   * Reads the number of items that follow, and checks that the file can hold as many before memory
   * is allocated for them.
   *
   * @param bytes the fewest bytes of an item
   */
  int count(String what, int bytes) throws IOException {
    return number("the number of " + what, 0, available() / bytes);
  }

  /** Reads a finite number in [least, most]. */
  double real(String what, double least, double most) throws IOException {
    double value = readDouble();
    if (!(value >= least && value <= most)) {
      throw new IOException(
          what + " is " + value + ", where only " + least + " to " + most + " is possible");
    }
    return value;
  }

  /** Throws if a value of the checkpoint differs from that of the resumed run. */
  static void requireSame(String what, Object saved, Object given) {
    if (!saved.equals(given)) {
      throw new IllegalArgumentException(
          "the checkpoint cannot be resumed: " + what + " was " + saved + " and is now " + given);
    }
  }

  /** Throws if bytes are left. */
  void end() throws IOException {
    if (available() > 0) {
      throw new IOException(available() + " bytes are left over");
    }
  }
}
