package dev.halfstep.train;

import dev.halfstep.Shape;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ModelFileException;
import dev.halfstep.nn.Safetensors;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a run: files {@code checkpoint-<updates>.safetensors} in a folder, of which
 * the last two are kept. Each holds the weights under the names that PyTorch gives them, and beside
 * them, under names that begin with {@code halfstep.}, the optimizer's moments, the best weights
 * and the averages; counters, loss scale, position, schedule and history are texts in its metadata.
 *
 * <p>A file is written beside its place, forced to disk and moved there: a run that is killed while
 * it saves has the checkpoint before. A damaged file is refused by its checksum.
 *
 * @param folder where they lie
 * @param everyUpdates after how many updates one is written
 * @param metadata texts of the caller, which each checkpoint carries
 */
public record Checkpoints(Path folder, int everyUpdates, Map<String, String> metadata) {
  private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{1,18})\\.safetensors");
  private static final Pattern TEMPORARY =
      Pattern.compile("\\.checkpoint-\\d{1,18}\\.safetensors\\.\\d+");
  private static final String PREFIX = "halfstep.";
  private static final String VERSION = "2";
  private static final int KEPT = 2;

  /** Checks the number. */
  public Checkpoints {
    if (everyUpdates < 1) {
      throw new IllegalArgumentException(
          "a checkpoint is written every 1 or more updates, not " + everyUpdates);
    }
    metadata = Map.copyOf(metadata);
  }

  /** Checkpoints of a run in this folder, which is created where it is missing. */
  public static Checkpoints in(Path folder, int everyUpdates) {
    return new Checkpoints(folder, everyUpdates, Map.of());
  }

  /**
   * The newest checkpoint of a folder that is whole: if the newest is damaged, the one before it.
   *
   * @throws ModelFileException if there is none, or all are damaged: the message names the newest
   * @throws IOException if the folder cannot be read
   */
  public static Safetensors.Contents newest(Path folder) throws IOException {
    ModelFileException damage = null;
    for (Path file : files(folder)) {
      try {
        return Safetensors.read(file);
      } catch (ModelFileException e) {
        damage = damage == null ? e : damage;
      }
    }
    throw damage != null
        ? damage
        : new ModelFileException(folder, "there is no checkpoint here to resume from");
  }

  /** The checkpoints of a folder, the newest first. */
  private static List<Path> files(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new ModelFileException(folder, "there is no such folder");
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(file -> NAME.matcher(name(file)).matches())
          .sorted(Comparator.comparingLong(Checkpoints::updates).reversed())
          .toList();
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }

  private static long updates(Path file) {
    Matcher matcher = NAME.matcher(name(file));
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
  }

  /** Writes a checkpoint, and removes those that are older than the one before. */
  void save(Model model, TrainingSession session, Fit fit) {
    try {
      Files.createDirectories(folder);
      SessionState state = session.state();
      Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>(model.tensors(state.weights));
      put(tensors, "moment1", state.moment1);
      put(tensors, "moment2", state.moment2);
      put(tensors, "average", state.average);
      put(tensors, "best", fit.bestWeights().orElse(null));
      put(tensors, "mean", fit.average);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      fit.write(new DataOutputStream(bytes));
      Map<String, String> texts = new LinkedHashMap<>(metadata);
      texts.put(PREFIX + "checkpoint", VERSION);
      texts.put(PREFIX + "run", Base64.getEncoder().encodeToString(bytes.toByteArray()));
      texts.put(PREFIX + "counters", Base64.getEncoder().encodeToString(state.counters));
      Safetensors.write(
          folder.resolve("checkpoint-" + fit.updates() + ".safetensors"), tensors, texts);
      prune();
    } catch (IOException e) {
      throw new UncheckedIOException(
          folder + ": the checkpoint cannot be written: " + e.getMessage(), e);
    }
  }

  private static void put(
      Map<String, Safetensors.Entry> tensors, String name, float @Nullable [] values) {
    if (values != null) {
      tensors.put(PREFIX + name, new Safetensors.Entry(Shape.of(values.length), values));
    }
  }

  /** Removes old checkpoints, and what killed runs left of theirs. */
  private void prune() throws IOException {
    for (Path old : files(folder).stream().skip(KEPT).toList()) {
      Files.deleteIfExists(old);
    }
    try (Stream<Path> all = Files.list(folder)) {
      for (Path rest : all.filter(f -> TEMPORARY.matcher(name(f)).matches()).toList()) {
        Files.deleteIfExists(rest);
      }
    }
  }

  /**
   * Gives a session and a run the state of the newest checkpoint.
   *
   * @throws IllegalArgumentException if it is a checkpoint of another model, optimizer or data
   */
  static void restore(
      Safetensors.Contents contents, Model model, TrainingSession session, Fit fit) {
    Map<String, String> texts = contents.metadata();
    if (!VERSION.equals(texts.getOrDefault(PREFIX + "checkpoint", ""))) {
      throw new IllegalArgumentException(
          contents.file() + ": is no checkpoint of this version of Halfstep");
    }
    Map<String, Safetensors.Entry> weights = new LinkedHashMap<>(contents.tensors());
    weights.keySet().removeIf(name -> name.startsWith(PREFIX));
    try {
      fit.read(new DataInputStream(new ByteArrayInputStream(bytes(texts, "run"))));
      model.load(new Safetensors.Contents(contents.file(), Map.of(), weights));
    } catch (IOException e) {
      throw new IllegalArgumentException(contents.file() + ": " + e.getMessage(), e);
    }
    session.state(
        new SessionState(
            model.weights(),
            values(contents, "moment1"),
            values(contents, "moment2"),
            values(contents, "average"),
            bytes(texts, "counters")));
    float[] best = values(contents, "best");
    if (best != null) {
      fit.keepWeights(best);
    }
    fit.average = values(contents, "mean");
  }

  private static byte[] bytes(Map<String, String> texts, String name) {
    return Base64.getDecoder().decode(texts.getOrDefault(PREFIX + name, ""));
  }

  private static float @Nullable [] values(Safetensors.Contents contents, String name) {
    Safetensors.Entry entry = contents.tensors().get(PREFIX + name);
    return entry == null ? null : entry.values();
  }
}
