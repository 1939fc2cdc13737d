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
 * Keeps a folder for one run: the lock of the operating system on a file in it, which ends with the
 * process, however that ends, and holds between containers that share the folder. The file is
 * removed when the lock is given back.
 */
public final class FolderLock implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FolderLock.class);

  /** The locks of this process: the system's are held by processes, and know no threads. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private FolderLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes a lock if it is free. Where the file system knows no locks, a warning is logged and it
   * counts as taken.
   *
   * @param folder which is there
   * @param name of the file
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
      // Another run has just given it back.
    }
  }

  /**
   * Whether the file that was opened and locked is the one under this name: whoever held the lock
   * may have removed it in between, and another run made a new one. The opened file is given a size
   * that is drawn, which no other has. (To open it once more would give up the lock when that is
   * closed, and what the system calls a file may be used again for the next one.)
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

  /** Gives the lock back. */
  @Override
  public void close() throws IOException {
    try {
      Files.deleteIfExists(file); // while it is held: nobody else's file is removed
    } finally {
      channel.close();
      HELD.remove(file);
    }
  }
}
