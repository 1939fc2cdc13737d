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
 * Writes a file completely or not at all: the contents go to a temporary file in the same folder,
 * which is forced to disk and moved over the old file. If the disk is full or the program is
 * killed, the old file is unchanged. If several threads or programs write one file at the same
 * time, the last one's contents remain, complete.
 *
 * <p>The temporary file is new, private to its owner until it is moved, and named {@code
 * .<name>.<random>}. It is written through a stream, because an interrupt of the thread would close
 * a channel.
 */
public final class AtomicFile {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rw-------");

  private AtomicFile() {}

  /** Writes the contents of a file. */
  @FunctionalInterface
  public interface Writer {
    /** Writes the whole contents to a stream, which is at the beginning of an empty file. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file or replaces it; a replaced file keeps its permissions. A path that is not a
   * regular file (a pipe, a terminal) is written to directly.
   *
   * @throws IOException if it cannot be written: the message names it and says why. An existing
   *     file is then unchanged
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
      throw e; // The writer itself was interrupted.
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

  /** Creates a file beside the target, under a name that no file or link has. */
  private static Path create(Path target, boolean isPrivate) throws IOException {
    while (true) {
      String random = Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE);
      Path temporary = target.resolveSibling("." + target.getFileName() + "." + random);
      try {
        return isPrivate
            ? Files.createFile(temporary, PosixFilePermissions.asFileAttribute(PRIVATE))
            : Files.createFile(temporary);
      } catch (FileAlreadyExistsException e) {
        // Try another name.
      }
    }
  }

  /** Forces the move to disk. An interrupt meanwhile sets the thread's flag again afterwards. */
  private static void forceFolder(Path file) throws IOException {
    boolean interrupted = false;
    boolean forced = false;
    while (!forced) {
      interrupted |= Thread.interrupted();
      try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
        folder.force(true);
        forced = true;
      } catch (ClosedByInterruptException e) {
        // Try again.
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * The reason why a file or folder cannot be read or written, in words and without its name,
   * because some messages of {@link FileSystemException} consist only of the name.
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
