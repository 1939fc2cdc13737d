package dev.halfstep.train;

import dev.halfstep.files.AtomicFile;
import dev.halfstep.files.FolderLock;
import dev.halfstep.files.Safetensors;
import dev.halfstep.session.TrainingSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the checkpoints of one run, and removes those that they replace. */
final class CheckpointWriter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CheckpointWriter.class);
  private static final String LOCK = ".checkpoints.lock";
  private static final Pattern LEFT_OVER =
      Pattern.compile("\\.checkpoint-[\\d-]+\\.safetensors\\.\\p{XDigit}+|\\.checkpoint-.*\\.tmp");
  private static final int KEPT = 2;

  private final Checkpoints checkpoints;
  private final CheckpointFile format;
  private final FolderLock lock;
  private final long run;
  private final Deque<Path> own = new ArrayDeque<>(); // the newest first

  private CheckpointWriter(
      Checkpoints checkpoints, CheckpointFile format, FolderLock lock, long run) {
    this.checkpoints = checkpoints;
    this.format = format;
    this.lock = lock;
    this.run = run;
  }

  /**
   * Locks the folder for a run, and checks that files can be written there.
   *
   * @param resumed the checkpoint from which the run continues, if any
   * @param format the format of the checkpoints
   * @throws IllegalStateException if another run writes there
   * @throws UncheckedIOException if files cannot be written there
   */
  static CheckpointWriter open(
      Checkpoints checkpoints, Optional<Safetensors.Contents> resumed, CheckpointFile format) {
    Path folder = checkpoints.folder();
    try {
      Files.createDirectories(folder);
      FolderLock lock =
          FolderLock.tryTake(folder, LOCK)
              .orElseThrow(
                  () ->
                      new IllegalStateException(
                          folder
                              + ": another run writes its checkpoints here: give each run a folder"
                              + " of its own"));
      try {
        return open(checkpoints, resumed, format, lock);
      } catch (IOException e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          folder + ": checkpoints cannot be written here: " + AtomicFile.reason(e), e);
    }
  }

  private static CheckpointWriter open(
      Checkpoints checkpoints,
      Optional<Safetensors.Contents> resumed,
      CheckpointFile format,
      FolderLock lock)
      throws IOException {
    Path folder = checkpoints.folder();
    Files.delete(Files.createTempFile(folder, ".checkpoint-", ".tmp"));
    removeLeftOvers(folder);
    List<Checkpoints.Saved> there = Checkpoints.list(folder);
    if (there.isEmpty()) {
      return new CheckpointWriter(checkpoints, format, lock, 1);
    }
    Checkpoints.Saved newest = there.get(0);
    if (resumed.isEmpty() || !isSame(resumed.get().file(), newest.file())) {
      return new CheckpointWriter(checkpoints, format, lock, newest.run() + 1);
    }
    CheckpointWriter writer = new CheckpointWriter(checkpoints, format, lock, newest.run());
    there.stream()
        .filter(saved -> saved.run() == newest.run())
        .limit(KEPT)
        .forEach(saved -> writer.own.addLast(saved.file()));
    return writer;
  }

  private static boolean isSame(Path one, Path other) throws IOException {
    return Files.exists(one) && Files.isSameFile(one, other);
  }

  /** Removes unfinished files of killed runs; no other run writes here now. */
  private static void removeLeftOvers(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path file : all.toList()) {
        if (LEFT_OVER.matcher(String.valueOf(file.getFileName())).matches()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /**
   * Writes a checkpoint, and removes all but the last ones of this run. If it cannot be written,
   * this logs a warning and the run continues, because the run is worth more than its checkpoint.
   */
  void save(TrainingSession session, FitState fit) {
    Path folder = checkpoints.folder();
    Path file = Checkpoints.Saved.in(folder, run, fit.updates()).file();
    try {
      Files.createDirectories(folder);
      format.write(file, checkpoints.metadata(), session, fit);
      own.remove(file);
      own.addFirst(file);
      while (own.size() > KEPT) {
        own.removeLast();
      }
      for (Checkpoints.Saved saved : Checkpoints.list(folder)) {
        if (!own.contains(saved.file())) {
          Files.deleteIfExists(saved.file());
        }
      }
    } catch (IOException e) {
      log.warn("{}; the run goes on without this checkpoint", e.getMessage());
    }
  }

  /** Unlocks the folder. */
  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      log.warn("{}: the lock stays behind ({})", checkpoints.folder(), e.getMessage());
    }
  }
}
