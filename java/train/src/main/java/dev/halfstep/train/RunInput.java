package dev.halfstep.train;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;

/**
 * Reads the history of a run from a checkpoint, and trusts none of it: a checkpoint may come from
 * anywhere, and its checksum says only that it is as its writer left it. Numbers that no run can
 * come to are refused with an IOException that names them.
 */
final class RunInput extends DataInputStream {
  RunInput(byte[] bytes) {
    super(new ByteArrayInputStream(bytes));
  }

  /** A whole number in a range, both ends included. */
  int number(String what, int least, int most) throws IOException {
    return (int) number(what, readInt(), least, most);
  }

  /** As above, of 64 bits. */
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
   * How many things follow, so that there is no room made for more than the file can hold.
   *
   * @param bytes that each takes at least
   */
  int count(String what, int bytes) throws IOException {
    return number("the number of " + what, 0, available() / bytes);
  }

  /** A finite number in a range, both ends included. */
  double real(String what, double least, double most) throws IOException {
    double value = readDouble();
    if (!(value >= least && value <= most)) {
      throw new IOException(
          what + " is " + value + ", where only " + least + " to " + most + " is possible");
    }
    return value;
  }

  /** Throws if a checkpoint has another value of something than the run that is to go on. */
  static void requireSame(String what, Object saved, Object given) {
    if (!saved.equals(given)) {
      throw new IllegalArgumentException(
          "the checkpoint cannot be resumed: " + what + " was " + saved + " and is now " + given);
    }
  }

  /** Nothing may follow. */
  void end() throws IOException {
    if (available() > 0) {
      throw new IOException(available() + " bytes are left over");
    }
  }
}
