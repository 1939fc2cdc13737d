package dev.halfstep.nn;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.JsonTree;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A model with what must be known to use it: how its samples are prepared and what its outputs
 * mean. {@link #save} writes all of it into one file, and {@link #read} needs no code to make the
 * model again:
 *
 * <pre>{@code
 * SavedModel.of(model).withNormalization(normalization).withClasses(names).save(file);
 * SavedModel digits = SavedModel.read(file);
 * float[] scores = digits.model().predict(digits.prepared(pixels));
 * }</pre>
 *
 * @param model with its weights
 * @param normalization what samples went through before the model was trained on them; {@link
 *     Normalization#NONE} if nothing
 * @param classes names of the outputs, in their order; empty if there are none
 * @param metadata what else the file says, or is to say
 */
public record SavedModel(
    Model model, Normalization normalization, List<String> classes, Map<String, String> metadata) {
  private static final String NORMALIZATION = "halfstep.normalization";
  private static final String CLASSES = "halfstep.classes";

  /**
   * Copies lists and maps.
   *
   * @throws IllegalArgumentException if the normalisation has other channels than the samples, or
   *     they are tokens, or there are other classes than outputs, or two of one name
   * @throws IllegalStateException if there is a normalisation for several inputs, or there are
   *     classes of several outputs
   */
  public SavedModel {
    classes = List.copyOf(classes);
    metadata = Map.copyOf(metadata);
    if (!normalization.equals(Normalization.NONE)) {
      requireChannels(model, normalization);
    }
    long outputs = classes.isEmpty() ? 0 : last(model.outputShape());
    if (classes.size() != outputs) {
      throw new IllegalArgumentException(
          "there are " + classes.size() + " names of classes for " + outputs + " outputs");
    }
    if (new HashSet<>(classes).size() < classes.size()) {
      throw new IllegalArgumentException("two classes have the same name: " + classes);
    }
  }

  private static void requireChannels(Model model, Normalization normalization) {
    int channels = normalization.channels();
    if (model.sampleType() != DType.F32
        || (channels != 1 && channels != last(model.sampleShape()))) {
      throw new IllegalArgumentException(
          "the normalization has "
              + channels
              + (channels == 1 ? " channel" : " channels")
              + ", but samples are "
              + model.sampleType()
              + " "
              + model.sampleShape());
    }
  }

  private static long last(Shape shape) {
    return shape.rank() == 0 ? 1 : shape.dim(-1);
  }

  /** A model whose samples go in as they are and whose outputs have no names. */
  public static SavedModel of(Model model) {
    return new SavedModel(model, Normalization.NONE, List.of(), Map.of());
  }

  /** The same with what samples go through first. */
  public SavedModel withNormalization(Normalization other) {
    return new SavedModel(model, other, classes, metadata);
  }

  /** The same with names of the outputs. */
  public SavedModel withClasses(List<String> names) {
    return new SavedModel(model, normalization, names, metadata);
  }

  /** The same with other texts for whoever reads the file. */
  public SavedModel withMetadata(Map<String, String> texts) {
    return new SavedModel(model, normalization, classes, texts);
  }

  /**
   * Raw samples as the model takes them: (x - mean) / std of each channel, by the kernels'
   * arithmetic, x * scale + shift in single precision.
   *
   * @param samples {@code [rows, sampleShape...]}, in units of the training data's features
   * @return a new array
   */
  public float[] prepared(float[] samples) {
    float[] scale = normalization.scale();
    float[] shift = normalization.shift();
    float[] result = new float[samples.length];
    for (int i = 0; i < samples.length; i++) {
      int channel = i % scale.length;
      result[i] = Math.fma(samples[i], scale[channel], shift[channel]);
    }
    return result;
  }

  /**
   * Writes all of it as a {@link Safetensors} file, all or nothing.
   *
   * @throws UnsupportedOperationException if a layer cannot be written down: see {@link Layer#spec}
   * @throws IllegalStateException if the model has no weights
   * @throws IOException if the file cannot be written; a file that stood there is unchanged then
   */
  public void save(Path file) throws IOException {
    Map<String, String> texts = new HashMap<>(metadata);
    texts.put(Architecture.KEY, model.architecture());
    int channels = normalization.channels();
    Map<String, Object> statistics = new LinkedHashMap<>();
    statistics.put("mean", IntStream.range(0, channels).mapToObj(normalization::mean).toList());
    statistics.put("std", IntStream.range(0, channels).mapToObj(normalization::std).toList());
    texts.put(NORMALIZATION, JsonTree.write(statistics));
    if (!classes.isEmpty()) {
      texts.put(CLASSES, JsonTree.write(classes));
    }
    model.save(file, texts);
  }

  /**
   * Reads a model from its file alone.
   *
   * @throws ModelFileException if the file is damaged, does not say which layers it has or has
   *     kinds of layers that are not known here, as {@link Layers#register} makes them; or what it
   *     says does not fit together. The message names the file and what is wrong
   * @throws IOException if it cannot be read
   */
  public static SavedModel read(Path file) throws IOException {
    return of(Safetensors.read(file));
  }

  /**
   * As above, of what a file holds.
   *
   * @throws ModelFileException as {@link #read} does
   */
  public static SavedModel of(Safetensors.Contents contents) throws ModelFileException {
    Model model = Model.read(contents);
    Map<String, String> rest = new HashMap<>(contents.metadata());
    rest.keySet().removeAll(List.of(Architecture.KEY, NORMALIZATION, CLASSES, "format"));
    try {
      return new SavedModel(model, normalization(contents), classes(contents), rest);
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new ModelFileException(
          contents.file(), "does not say how its model is used: " + e.getMessage());
    }
  }

  /** Whether a file says which layers it has. */
  public static boolean isIn(Safetensors.Contents contents) {
    return contents.metadata().containsKey(Architecture.KEY);
  }

  private static Normalization normalization(Safetensors.Contents contents)
      throws ModelFileException {
    String text = contents.metadata().get(NORMALIZATION);
    if (text == null) {
      return Normalization.NONE;
    }
    if (JsonTree.read(contents.file(), NORMALIZATION, text) instanceof Map<?, ?> map
        && map.get("mean") instanceof List<?> mean
        && map.get("std") instanceof List<?> std
        && mean.stream().allMatch(Number.class::isInstance)
        && std.stream().allMatch(Number.class::isInstance)) {
      return Normalization.of(numbers(mean), numbers(std));
    }
    throw new IllegalArgumentException(NORMALIZATION + " has no mean and std");
  }

  private static double[] numbers(List<?> list) {
    return list.stream().mapToDouble(number -> ((Number) number).doubleValue()).toArray();
  }

  private static List<String> classes(Safetensors.Contents contents) throws ModelFileException {
    String text = contents.metadata().get(CLASSES);
    if (text == null) {
      return List.of();
    }
    if (JsonTree.read(contents.file(), CLASSES, text) instanceof List<?> list
        && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    throw new IllegalArgumentException(CLASSES + " is no list of names");
  }
}
