package dev.halfstep.train;

import dev.halfstep.Shape;
import dev.halfstep.files.Safetensors;
import dev.halfstep.session.SessionOptions;
import dev.halfstep.session.SessionState;
import dev.halfstep.session.TrainingSession;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads one checkpoint: the weights under PyTorch's names; the other arrays of the
 * session and the history of the run under names that begin with {@code halfstep.}; version and
 * counters in the metadata. Data that grow with the run are tensors, because the header of the
 * format is limited.
 */
final class CheckpointFile {
  private static final String PREFIX = "halfstep.";
  private static final String VERSION = "4";

  private final SessionOptions options;
  private final FitRecords records;

  /** The format of the checkpoints of runs whose sessions have these options. */
  CheckpointFile(SessionOptions options, FitRecords records) {
    this.options = options;
    this.records = records;
  }

  /**
   * Writes a checkpoint atomically.
   *
   * @throws IOException if it cannot be written; the message names the file and the reason
   */
  void write(Path file, Map<String, String> metadata, TrainingSession session, FitState fit)
      throws IOException {
    SessionState state = session.state();
    Map<String, Safetensors.Entry> tensors =
        new LinkedHashMap<>(options.model().tensors(state.weights()));
    put(tensors, "moment1", state.moment1());
    put(tensors, "moment2", state.moment2());
    put(tensors, "average", state.average());
    put(tensors, "best", fit.weights.best().orElse(null));
    put(tensors, "mean", fit.weights.mean().orElse(null));
    Shape steps = Shape.of(fit.steps());
    tensors.put(PREFIX + "losses", new Safetensors.Entry(steps, fit.log.losses()));
    put(tensors, "gradient_norms", fit.log.gradientNorms());
    put(tensors, "loss_scales", fit.log.lossScales());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    records.write(new DataOutputStream(bytes), fit);
    tensors.put(PREFIX + "run", new Safetensors.Entry(Shape.of(bytes.size()), bytes.toByteArray()));
    Map<String, String> texts = new LinkedHashMap<>(metadata);
    texts.put(PREFIX + "checkpoint", VERSION);
    texts.put(PREFIX + "counters", Base64.getEncoder().encodeToString(state.counters()));
    Safetensors.write(file, tensors, texts);
  }

  private static void put(
      Map<String, Safetensors.Entry> tensors, String name, float @Nullable [] values) {
    if (values != null) {
      tensors.put(PREFIX + name, new Safetensors.Entry(Shape.of(values.length), values));
    }
  }

  /**
   * Restores the state of a run from a checkpoint, and checks every value of the checkpoint.
   *
   * @return the state for the session; the model is not changed
   * @throws IllegalArgumentException if it is damaged, or belongs to another version, model,
   *     optimizer or data; the message names the file and the difference
   */
  SessionState read(Safetensors.Contents contents, FitState fit) {
    try {
      String version = contents.metadata().get(PREFIX + "checkpoint");
      if (version == null) {
        throw new IOException("is no checkpoint");
      }
      if (!version.equals(VERSION)) {
        throw new IOException(
            "is a checkpoint of version "
                + version
                + ", and this Halfstep reads version "
                + VERSION
                + ": go on with the Halfstep that wrote it, or train anew");
      }
      return state(contents, fit);
    } catch (IOException | IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      String file = contents.file() + ": ";
      throw new IllegalArgumentException(message.startsWith(file) ? message : file + message, e);
    }
  }

  private SessionState state(Safetensors.Contents contents, FitState fit) throws IOException {
    Safetensors.Entry run = contents.tensors().get(PREFIX + "run");
    Safetensors.Entry losses = contents.tensors().get(PREFIX + "losses");
    float[] norms = values(contents, "gradient_norms", true, -1);
    float[] scales = values(contents, "loss_scales", true, -1);
    if (run == null || losses == null || norms == null || scales == null) {
      throw new IOException("is damaged: it lacks the run's history");
    }
    try {
      records.read(new RunInput(run.bytes()), fit, losses.doubles(), norms, scales);
    } catch (IOException | IllegalStateException e) {
      throw new IOException("is damaged: " + reason(e), e);
    }
    byte[] counters = counters(contents);
    Map<String, Safetensors.Entry> tensors = new LinkedHashMap<>(contents.tensors());
    tensors.keySet().removeIf(name -> name.startsWith(PREFIX));
    float[] weights =
        options.model().weights(new Safetensors.Contents(contents.file(), Map.of(), tensors));
    int size = weights.length;
    int moments = options.optimizer().moments();
    float[] best = values(contents, "best", fit.bestEpoch() > 0, size);
    fit.weights.best(best);
    int averaged = fit.weights.averaged();
    fit.weights.mean(values(contents, "mean", averaged > 0, size), averaged);
    SessionState state =
        new SessionState(
            weights,
            values(contents, "moment1", moments > 0, size),
            values(contents, "moment2", moments > 1, size),
            values(contents, "average", options.averageDecay() > 0, size),
            counters);
    state.requireFitting(options);
    if (state.steps() != fit.steps() || state.updates() != fit.updates()) {
      throw new IOException("is damaged: its counters are not those of its history");
    }
    return state;
  }

  private static String reason(Exception e) {
    return e instanceof EOFException ? "its history ends too early" : "" + e.getMessage();
  }

  private static byte[] counters(Safetensors.Contents contents) throws IOException {
    try {
      return Base64.getDecoder().decode(contents.metadata().getOrDefault(PREFIX + "counters", ""));
    } catch (IllegalArgumentException e) {
      throw new IOException("is damaged: its counters are no Base64", e);
    }
  }

  /**
   * An array of the checkpoint.
   *
   * @param needed whether the run has this array
   * @param length the required length; -1: any
   * @return null if the run does not have it
   */
  private static float @Nullable [] values(
      Safetensors.Contents contents, String name, boolean needed, int length) throws IOException {
    Safetensors.Entry entry = contents.tensors().get(PREFIX + name);
    if ((entry != null) != needed) {
      throw new IOException(
          (needed ? "lacks " : "has ")
              + PREFIX
              + name
              + ", which this run "
              + (needed ? "needs" : "does not keep")
              + ": resume with the options that the run began with");
    }
    if (entry == null) {
      return null;
    }
    if (!entry.type().equals("F32") || (length >= 0 && entry.values().length != length)) {
      throw new IOException(
          "is damaged: "
              + PREFIX
              + name
              + " is "
              + entry.type()
              + " "
              + entry.shape()
              + (length < 0 ? ", expected F32" : ", expected F32 [" + length + "]"));
    }
    return entry.values();
  }
}
