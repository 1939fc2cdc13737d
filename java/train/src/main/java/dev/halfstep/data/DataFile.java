package dev.halfstep.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Opens data files, compressed or not. */
final class DataFile {
  private static final int BUFFER = 1 << 16;

  private DataFile() {}

  /**
   * The contents of a file, decompressed if its first two bytes are those of gzip.
   *
   * @param expected what the file should be, such as "a CSV file"
   * @throws DataException if it is missing, or not a regular file: reading a device, or a pipe that
   *     nobody writes to, might never end
   */
  static InputStream open(Path file, String expected) throws DataException {
    if (Files.isDirectory(file)) {
      throw new DataException(file + ": is a folder, expected " + expected);
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new DataException(
          file + ": is a device or a pipe, expected " + expected + ": write it to a file first");
    }
    try {
      InputStream raw = new BufferedInputStream(Files.newInputStream(file), BUFFER);
      try {
        raw.mark(2);
        byte[] magic = raw.readNBytes(2);
        raw.reset();
        boolean gzip = magic.length == 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b;
        return gzip ? new GZIPInputStream(raw, BUFFER) : raw;
      } catch (IOException e) {
        raw.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** An exception that says why a file cannot be read. */
  static DataException unreadable(Path file, IOException e) {
    if (e instanceof DataException known) {
      return known;
    }
    String problem;
    if (e instanceof NoSuchFileException) {
      problem = ": there is no such file";
    } else if (e instanceof AccessDeniedException) {
      problem = ": may not be read by this user";
    } else if (e instanceof CharacterCodingException) {
      problem = ": is no text in UTF-8";
    } else if (e instanceof EOFException) {
      problem = ": is truncated, the gzip data end too early";
    } else if (e instanceof ZipException) {
      problem = ": the gzip data are damaged (" + e.getMessage() + ")";
    } else {
      problem = ": cannot be read (" + e + ")";
    }
    return new DataException(file + problem, e);
  }

  /** An exception that says that the heap is too small for a file. */
  static DataException tooLarge(Path file, String where, OutOfMemoryError e) {
    return new DataException(
        file
            + ": does not fit into the Java heap of "
            + Runtime.getRuntime().maxMemory() / 1_000_000
            + " MB"
            + where
            + "; give it more with -Xmx (JAVA_TOOL_OPTIONS=-Xmx8g), or less data",
        e);
  }
}
