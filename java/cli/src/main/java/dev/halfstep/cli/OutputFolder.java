package dev.halfstep.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The folder that a run leaves its files in. They are written to a temporary folder inside it,
 * forced to disk, and moved into place together when all are complete: on a full disk, what stood
 * before stays.
 */
final class OutputFolder {
  /** Where folders named after the time are made. */
  static final String DEFAULT = "runs";

  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd_HH-mm-ss");

  private final Path path;
  private final boolean created;

  private OutputFolder(Path path, boolean created) {
    this.path = path;
    this.created = created;
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
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
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

  private static Path path(String option, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw UsageException.noPath(option + " " + text, e);
    }
  }

  /**
   * Creates the folder where it is missing, and proves that files can be written there.
   *
   * @param given what {@link #check} returned; empty for a new folder {@code runs/<time>}
   * @throws IOException if it cannot be created or written
   */
  static OutputFolder open(Optional<Path> given) throws IOException {
    OutputFolder folder = given.isPresent() ? existingOrNew(given.get()) : numbered();
    Files.delete(Files.createTempFile(folder.path, ".halfstep-", ".tmp"));
    return folder;
  }

  private static OutputFolder existingOrNew(Path path) throws IOException {
    boolean there = Files.isDirectory(path);
    Files.createDirectories(path);
    return new OutputFolder(path, !there);
  }

  /** A folder named after the time, with a number behind where one run began in the same second. */
  private static OutputFolder numbered() throws IOException {
    Path runs = Files.createDirectories(Path.of(DEFAULT));
    String time = LocalDateTime.now(ZoneId.systemDefault()).format(TIME);
    for (int number = 1; ; number++) {
      try {
        Path path = runs.resolve(number == 1 ? time : time + "-" + number);
        return new OutputFolder(Files.createDirectory(path), true);
      } catch (FileAlreadyExistsException e) {
        // Another run has taken this name: try the next.
      }
    }
  }

  /** Where the files will lie. */
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
      Path staging = Files.createTempDirectory(path, ".halfstep-");
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
      throw new IOException(path + ": the run's files cannot be written: " + Cli.oneLine(e), e);
    }
  }

  /** Removes the folder again if it was created for this run and nothing lies in it. */
  void discardIfEmpty() throws IOException {
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
