package dev.halfstep.train;

import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of a run: files {@code checkpoint-<run>-<updates>.safetensors} in a folder, of
 * which the last two are kept. Each holds the weights under PyTorch's names and, under names that
 * begin with {@code halfstep.}, the optimizer's moments, the best weights, the averages and the
 * history; counters, loss scale and position are text in its metadata.
 *
 * <p>A file is written under a temporary name, forced to disk and then renamed, so a run that is
 * killed while it saves still has the previous checkpoint. A checksum detects damaged files, which
 * are refused. If a checkpoint cannot be written, for example because the disk is full, a warning
 * is logged and the run continues; the next checkpoint is tried again. A run that {@link Fit#stop}
 * ends writes a last one.
 *
 * <p>A folder belongs to one run at a time: a second run that writes there is refused. Runs are
 * numbered. A run that starts in a folder with checkpoints of an earlier run gets the next number,
 * and removes those once its own first checkpoint is written; until then {@link #newest} returns
 * them. A run that continues from the newest checkpoint keeps its number.
 *
 * @param folder the folder of the files
 * @param everyUpdates the number of updates between two checkpoints
 * @param metadata texts of the caller, stored in each checkpoint
 */
public record Checkpoints(Path folder, int everyUpdates, Map<String, String> metadata) {
  private static final Pattern NAME =
      Pattern.compile("checkpoint-(?:(\\d{1,18})-)?(\\d{1,18})\\.safetensors");

  /** Checks the number. */
  public Checkpoints {
    if (everyUpdates < 1) {
      throw new IllegalArgumentException(
          "a checkpoint is written every 1 or more updates, not " + everyUpdates);
    }
    metadata = Map.copyOf(metadata);
  }

  /** Checkpoints of a run in this folder, which is created if it is missing. */
  public static Checkpoints in(Path folder, int everyUpdates) {
    return new Checkpoints(folder, everyUpdates, Map.of());
  }

  /**
   * The newest undamaged checkpoint of a folder: if the newest is damaged, the previous one of the
   * same run.
   *
   * @throws ModelFileException if there is none, or all are damaged; the message names the newest
   * @throws IOException if the folder cannot be read
   */
  public static Safetensors.Contents newest(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new ModelFileException(folder, "there is no such folder");
    }
    List<Saved> all = list(folder);
    ModelFileException damage = null;
    for (Saved saved : all) {
      if (saved.run == all.get(0).run) {
        try {
          return Safetensors.read(saved.file);
        } catch (ModelFileException e) {
          damage = damage == null ? e : damage;
        }
      }
    }
    throw damage != null
        ? damage
        : new ModelFileException(folder, "there is no checkpoint here to resume from");
  }

  /**
   * Removes the checkpoints of all runs in a folder. Use it before a run without checkpoints whose
   * results replace those of another run.
   *
   * @throws IOException if one cannot be removed
   */
  public static void clear(Path folder) throws IOException {
    for (Saved saved : list(folder)) {
      Files.deleteIfExists(saved.file);
    }
  }

  /** A file with a checkpoint's name. Files of versions that did not number runs have run 0. */
  record Saved(Path file, long run, long updates) {
    private static Optional<Saved> of(Path file) {
      Matcher matcher = NAME.matcher(String.valueOf(file.getFileName()));
      if (!matcher.matches()) {
        return Optional.empty();
      }
      String run = matcher.group(1);
      return Optional.of(
          new Saved(file, run == null ? 0 : Long.parseLong(run), Long.parseLong(matcher.group(2))));
    }

    static Saved in(Path folder, long run, long updates) {
      Path file = folder.resolve("checkpoint-" + run + "-" + updates + ".safetensors");
      return new Saved(file, run, updates);
    }
  }

  /** The checkpoints of a folder, the newest first. */
  static List<Saved> list(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.flatMap(file -> Saved.of(file).stream())
          .sorted(Comparator.comparingLong(Saved::run).thenComparingLong(Saved::updates).reversed())
          .toList();
    }
  }
}
