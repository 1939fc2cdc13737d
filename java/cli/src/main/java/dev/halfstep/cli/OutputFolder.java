package dev.halfstep.cli;

import dev.halfstep.files.AtomicFile;
import dev.halfstep.files.FolderLock;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The folder of a run's files. They are written to a temporary folder inside it, forced to disk,
 * and moved into place together when all are complete: if the disk is full, the older files stay.
 */
final class OutputFolder implements AutoCloseable {
  /** The folder in which folders named after the time are made. */
  static final String DEFAULT = "runs";

  /** The beginning of the names of temporary files and folders. */
  private static final String STAGING = ".halfstep-";

  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd_HH-mm-ss");

  private static final String LOCK = ".run.lock";

  private final Path path;
  private final boolean created;
  private final FolderLock lock;

  private OutputFolder(Path path, boolean created, FolderLock lock) {
    this.path = path;
    this.created = created;
    this.lock = lock;
  }

  /** Writes the files of a run into a folder. */
  @FunctionalInterface
  interface Writer {
    void writeInto(Path folder) throws IOException;
  }

  /**
   * Checks, without creating anything, that a folder is one or can become one.
   *
   * @return the path that the option names
   * @throws UsageException if something on the way to it is a file, or may not be written
   */
  static Path check(String option, String text) {
    Path path = path(option, text);
    Path there = path.toAbsolutePath().normalize();
    while (there != null && !Files.exists(there, LinkOption.NOFOLLOW_LINKS)) {
      there = there.getParent();
    }
    if (there != null && !Files.exists(there)) {
      throw new UsageException(
          option + " " + text + ": " + there + " is a link to what is not there");
    }
    if (there != null && !Files.isDirectory(there)) {
      throw new UsageException(
          option + " " + text + ": " + there + " is a file, expected a folder");
    }
    if (there == null || !Files.isWritable(there)) {
      throw new UsageException(option + " " + text + ": " + there + " may not be written");
    }
    return path;
  }

  /**
   * Checks, without creating anything, that a file can be written.
   *
   * @throws UsageException if it is a folder, or its folder is missing or may not be written
   */
  static Path checkFile(String option, String text) {
    Path path = path(option, text);
    Path absolute = path.toAbsolutePath();
    Path folder = absolute.getParent();
    if (Files.isDirectory(absolute) || folder == null) {
      throw new UsageException(option + " " + text + ": is a folder, expected a file's name");
    }
    if (!Files.isDirectory(folder)) {
      throw new UsageException(option + " " + text + ": there is no folder " + folder);
    }
    if (!Files.isWritable(Files.exists(absolute) ? absolute : folder)) {
      throw new UsageException(option + " " + text + ": may not be written");
    }
    return path;
  }

  /**
   * Refuses to write to a file that is read.
   *
   * @param written what {@link #checkFile} returned
   * @param option that names what is read, or written as well
   * @throws UsageException if both are one file
   */
  static void requireOther(Path written, String option, String read) {
    boolean same;
    try {
      Path other = Path.of(read);
      if (Files.exists(written) && !Files.isRegularFile(written)) {
        return; // /dev/null, a terminal, a pipe: nothing is lost
      }
      same =
          Files.isRegularFile(written) && Files.exists(other) && Files.isSameFile(written, other);
      same |= written.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    } catch (InvalidPathException | IOException e) {
      same = false; // the code that reads the file reports the error
    }
    if (same) {
      throw new UsageException(
          written + ": is what " + option + " names, and would be written over: give another file");
    }
  }

  private static Path path(String option, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw UsageException.noPath(option + " " + text, e);
    }
  }

  /**
   * Creates the folder if it is missing, checks that files can be written there, and locks it for
   * this run until it is closed.
   *
   * @param given what {@link #check} returned; empty for a new folder {@code runs/<time>}
   * @throws IOException if it cannot be created or written
   * @throws UsageException if another run writes there
   */
  static OutputFolder open(Optional<Path> given) throws IOException {
    Path path = given.isPresent() ? given.get() : numbered();
    boolean created = given.isEmpty() || !Files.isDirectory(path);
    Files.createDirectories(path);
    FolderLock lock =
        FolderLock.tryTake(path, LOCK)
            .orElseThrow(
                () ->
                    new UsageException(
                        "--out "
                            + path
                            + ": another run writes there; give this one a folder of its own"));
    OutputFolder folder = new OutputFolder(path, created, lock);
    try {
      Files.delete(Files.createTempFile(path, STAGING, ".tmp"));
      folder.removeLeftOvers();
    } catch (IOException e) {
      folder.close();
      throw e;
    }
    return folder;
  }

  /** A folder named after the time, with a number behind where one run began in the same second. */
  private static Path numbered() throws IOException {
    Path runs = Files.createDirectories(Path.of(DEFAULT));
    String time = LocalDateTime.now(ZoneId.systemDefault()).format(TIME);
    for (int number = 1; ; number++) {
      try {
        return Files.createDirectory(runs.resolve(number == 1 ? time : time + "-" + number));
      } catch (FileAlreadyExistsException e) {
        // Another run has taken this name: try the next.
      }
    }
  }

  /** Removes incomplete files of killed runs. The lock keeps other runs away meanwhile. */
  private void removeLeftOvers() throws IOException {
    for (Path left : files(path)) {
      if (String.valueOf(left.getFileName()).startsWith(STAGING)) {
        if (Files.isDirectory(left, LinkOption.NOFOLLOW_LINKS)) {
          for (Path file : files(left)) {
            Files.delete(file);
          }
        }
        Files.delete(left);
      }
    }
  }

  /** The folder in which the files will lie. */
  Path path() {
    return path;
  }

  /**
   * Writes all files of the run, or none.
   *
   * @throws IOException if the disk is full or a file cannot be written; what stood stays
   */
  void write(Writer writer) throws IOException {
    try {
      Path staging = Files.createTempDirectory(path, STAGING);
      try {
        writer.writeInto(staging);
        for (Path file : files(staging)) {
          Files.move(file, path.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
        }
      } finally {
        for (Path file : files(staging)) {
          Files.delete(file);
        }
        Files.delete(staging);
      }
    } catch (IOException e) {
      throw new IOException(
          path + ": the run's files cannot be written: " + AtomicFile.reason(e), e);
    }
  }

  /** Releases the folder; removes it if it was created for this run and is empty. */
  @Override
  public void close() throws IOException {
    lock.close();
    if (created && files(path).isEmpty()) {
      Files.delete(path);
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
