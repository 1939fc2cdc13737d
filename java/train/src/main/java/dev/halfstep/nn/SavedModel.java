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
 * A model with the information that is needed to use it: how its samples are prepared and what its
 * outputs mean. {@link #save} writes all of it into one file, and {@link #read} makes the model
 * again without the code that built it:
 *
 * <pre>{@code
 * SavedModel.of(model).withNormalization(normalization).withClasses(names).save(file);
 * SavedModel digits = SavedModel.read(file);
 * float[] scores = digits.model().predict(digits.prepared(pixels));
 * }</pre>
 *
 * @param model the model with its weights
 * @param normalization the normalisation of the training samples; {@link Normalization#NONE} if
 *     there was none
 * @param classes names of the outputs, in their order; empty if there are none
 * @param metadata further texts in the file
 */
public record SavedModel(
    Model model, Normalization normalization, List<String> classes, Map<String, String> metadata) {
  private static final String NORMALIZATION = "halfstep.normalization";
  private static final String CLASSES = "halfstep.classes";

  /**
   * Copies lists and maps.
   *
   * @throws IllegalArgumentException if the normalisation has another number of channels than the
   *     samples, the samples are tokens, there are more or fewer classes than outputs, or two
   *     classes have one name
   * @throws IllegalStateException if there is a normalisation and the model has several inputs, or
   *     there are classes and it has several outputs
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

  /** A model without a normalisation and without names of its outputs. */
  public static SavedModel of(Model model) {
    return new SavedModel(model, Normalization.NONE, List.of(), Map.of());
  }

  /** The same with another normalisation of the samples. */
  public SavedModel withNormalization(Normalization other) {
    return new SavedModel(model, other, classes, metadata);
  }

  /** The same with names of the outputs. */
  public SavedModel withClasses(List<String> names) {
    return new SavedModel(model, normalization, names, metadata);
  }

  /** The same with other texts in the file. */
  public SavedModel withMetadata(Map<String, String> texts) {
    return new SavedModel(model, normalization, classes, texts);
  }

  /**
   * Normalises raw samples: (x - mean) / std of each channel, computed as kernels do it, x * scale
   * + shift in single precision.
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
   * @throws UnsupportedOperationException if a layer has no spec: see {@link Layer#spec}
   * @throws IllegalStateException if the model has no weights
   * @throws IOException if the file cannot be written; an existing file is then unchanged
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
   * @throws ModelFileException if the file is damaged, does not describe its layers, has kinds of
   *     layers that were not registered with {@link Layers#register}, or contradicts itself. The
   *     message names the file and what is wrong
   * @throws IOException if it cannot be read
   */
  public static SavedModel read(Path file) throws IOException {
    return of(Safetensors.read(file));
  }

  /**
   * As above, from a file's contents.
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

  /** Whether a file describes its layers. */
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
