package dev.halfstep.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reserves a folder for one run by a lock of the operating system on a file in it. The lock ends
 * with the process, however that ends, and works between containers that share the folder. Closing
 * it removes the file.
 */
public final class FolderLock implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FolderLock.class);

  /**
   * The locks of this process, because the system's locks belong to processes and do not exclude
   * threads.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private FolderLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes a lock if it is free. If the file system does not support locks, logs a warning and
   * returns a lock.
   *
   * @param folder an existing folder
   * @param name the file's name
   * @return empty if another run has it
   * @throws IOException if the file cannot be written
   */
  public static Optional<FolderLock> tryTake(Path folder, String name) throws IOException {
    Path file = folder.toRealPath().resolve(name);
    if (!HELD.add(file)) {
      return Optional.empty();
    }
    boolean taken = false;
    try {
      Optional<FolderLock> lock = take(file);
      taken = lock.isPresent();
      return lock;
    } finally {
      if (!taken) {
        HELD.remove(file);
      }
    }
  }

  private static Optional<FolderLock> take(Path file) throws IOException {
    while (true) {
      createIfMissing(file);
      FileChannel channel;
      try {
        channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      } catch (NoSuchFileException e) {
        continue;
      }
      FileLock lock;
      try {
        lock = channel.tryLock();
      } catch (IOException e) {
        log.warn("{}: no locks here, two runs would not notice each other ({})", file, "" + e);
        return Optional.of(new FolderLock(file, channel));
      }
      if (lock == null) {
        channel.close();
        return Optional.empty();
      }
      boolean taken = false;
      try {
        taken = isStillThere(file, channel);
      } finally {
        if (!taken) {
          channel.close();
        }
      }
      if (taken) {
        return Optional.of(new FolderLock(file, channel));
      }
    }
  }

  private static void createIfMissing(Path file) throws IOException {
    try {
      Files.createFile(file);
    } catch (FileAlreadyExistsException e) {
      requireRegular(file);
    }
  }

  private static void requireRegular(Path file) throws IOException {
    try {
      if (!Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .isRegularFile()) {
        throw new FileSystemException(file.toString(), null, "is no regular file");
      }
    } catch (NoSuchFileException e) {
      // Another run has just released it.
    }
  }

  /**
   * Whether the file that was opened and locked is still the one under this name: the former holder
   * may have removed it in between, and another run may have made a new one. To find out, the
   * opened file gets a random size, which no other file has. (Opening the file a second time and
   * closing it would release the lock, and the system may use a file's identity again for the next
   * one.)
   */
  private static boolean isStillThere(Path file, FileChannel channel) throws IOException {
    long size = ThreadLocalRandom.current().nextLong(1, 1 << 16);
    try {
      channel.truncate(0);
      channel.write(ByteBuffer.allocate(1), size - 1);
    } catch (IOException e) {
      throw new FileSystemException(file.toString(), null, AtomicFile.reason(e));
    }
    try {
      return Files.size(file) == size;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Releases the lock. */
  @Override
  public void close() throws IOException {
    try {
      Files.deleteIfExists(file); // before the release: not the file of another run
    } finally {
      channel.close();
      HELD.remove(file);
    }
  }
}
