package dev.halfstep.files;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is there whole or not at all: written to a temporary file in the same folder, forced
 * to disk, and moved over what stood there. If the disk is full or the program is killed, what
 * stood stays. Of several threads or programs that write one file at the same time, the last one's
 * stays, whole.
 *
 * <p>The temporary file is new, private to its owner until it is moved, and named {@code
 * .<name>.<random>}. It is written through a stream and not through a channel, which would be
 * closed if the thread were interrupted.
 */
public final class AtomicFile {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rw-------");

  private AtomicFile() {}

  /** Writes the contents of a file. */
  @FunctionalInterface
  public interface Writer {
    /** Writes everything to a stream that stands at the beginning of an empty file. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file or replaces it; a file that is replaced keeps its permissions. What is no regular
   * file (a pipe, a terminal) is written to as it is.
   *
   * @throws IOException if it cannot be written: the message names it and says why. A file that
   *     stood there is unchanged then
   */
  public static void write(Path file, Writer writer) throws IOException {
    try {
      if (Files.isDirectory(file)) {
        throw new FileSystemException(file.toString(), null, "is a folder");
      }
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.WRITE)) {
          writer.writeTo(out);
        }
      } else {
        replace(Files.exists(file) ? file.toRealPath() : file.toAbsolutePath(), writer);
      }
    } catch (InterruptedIOException e) {
      throw e; // The writer itself has given up.
    } catch (IOException e) {
      FileSystemException named = new FileSystemException(file.toString(), null, reason(e));
      named.initCause(e);
      throw named;
    }
  }

  private static void replace(Path target, Writer writer) throws IOException {
    boolean replaces = Files.exists(target);
    Path temporary = create(target, replaces);
    try {
      try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
        writer.writeTo(out);
        out.getFD().sync();
      }
      if (replaces) {
        Files.setPosixFilePermissions(temporary, Files.getPosixFilePermissions(target));
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
    forceFolder(target);
  }

  /** A new file beside the target, under a name that nothing has, not even a link. */
  private static Path create(Path target, boolean isPrivate) throws IOException {
    while (true) {
      String random = Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE);
      Path temporary = target.resolveSibling("." + target.getFileName() + "." + random);
      try {
        return isPrivate
            ? Files.createFile(temporary, PosixFilePermissions.asFileAttribute(PRIVATE))
            : Files.createFile(temporary);
      } catch (FileAlreadyExistsException e) {
        // Another one.
      }
    }
  }

  /** Forces the move to disk. An interrupt meanwhile is kept for later. */
  private static void forceFolder(Path file) throws IOException {
    boolean interrupted = false;
    boolean forced = false;
    while (!forced) {
      interrupted |= Thread.interrupted();
      try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
        folder.force(true);
        forced = true;
      } catch (ClosedByInterruptException e) {
        // Once more.
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Why a file or folder cannot be read or written, in words and without its name, which {@link
   * FileSystemException} gives in place of a reason.
   */
  public static String reason(IOException e) {
    if (!(e instanceof FileSystemException system)) {
      return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
    String reason = system.getReason();
    if (reason != null) {
      return reason;
    }
    if (e instanceof AccessDeniedException) {
      return "access denied";
    }
    if (e instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (e instanceof FileAlreadyExistsException) {
      return "something of that name is there already";
    }
    if (e instanceof DirectoryNotEmptyException) {
      return "the folder is not empty";
    }
    if (e instanceof NotDirectoryException) {
      return "is not a folder";
    }
    return "the file system refuses it (" + e.getClass().getSimpleName() + ")";
  }
}
