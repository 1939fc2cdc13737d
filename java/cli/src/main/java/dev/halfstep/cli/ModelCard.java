package dev.halfstep.cli;

import dev.halfstep.Shape;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.CsvSchema;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Model;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a file of weights says of its network in its metadata, as JSON: all that {@code predict}
 * must know to prepare samples and to name the classes.
 *
 * @param model what was given for {@code --model}
 * @param sampleShape the shape of one sample
 * @param classes names of the classes in the order of the outputs; empty if numbers are predicted
 * @param mean what is subtracted from the data's numbers, one for all or one a channel
 * @param std what they are divided by
 * @param table how the columns of a CSV file become samples, which are not normalised once more;
 *     null for other data
 */
record ModelCard(
    String model,
    List<Long> sampleShape,
    List<String> classes,
    List<Double> mean,
    List<Double> std,
    @Nullable CsvSchema table) {
  private static final int MOST_SHOWN = 500;

  /** The name of the metadata's entry. */
  static final String KEY = "halfstep.network";

  /** The card of a model that is trained on these data. */
  static ModelCard of(String model, Dataset train, Optional<CsvData> csv) {
    Normalization normalization = train.form().input().normalization();
    List<String> names = train.form().target().classNames();
    List<String> numbers = IntStream.range(0, train.classes()).mapToObj(Integer::toString).toList();
    int channels = normalization.channels();
    return new ModelCard(
        model,
        IntStream.range(0, train.sampleShape().rank()).mapToObj(train.sampleShape()::dim).toList(),
        names.isEmpty() ? numbers : names,
        IntStream.range(0, channels).mapToObj(normalization::mean).toList(),
        IntStream.range(0, channels).mapToObj(normalization::std).toList(),
        csv.map(CsvData::schema).orElse(null));
  }

  /**
   * The card in a file.
   *
   * @throws ModelFileException if there is none, or none that this version understands
   */
  static ModelCard in(Safetensors.Contents file) throws ModelFileException {
    String text = file.metadata().get(KEY);
    if (text == null) {
      throw new ModelFileException(
          file.file(),
          "does not say which network its weights belong to: its metadata have no "
              + KEY
              + ", which halfstep train writes");
    }
    try {
      ModelCard card = Json.parse(text, ModelCard.class);
      card.check();
      return card;
    } catch (IllegalArgumentException | ArithmeticException | UsageException e) {
      throw new ModelFileException(
          file.file(),
          "has a "
              + KEY
              + " that this version does not understand ("
              + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
              + "): "
              + text.substring(0, Math.min(text.length(), MOST_SHOWN)));
    }
  }

  /** Checks all that a file may say, which need not be what a run wrote. */
  private void check() {
    require(model != null, "it has no model");
    require(isWhole(sampleShape) && sampleShape.stream().allMatch(n -> n > 0), "its sampleShape");
    long elements = sampleShape.stream().reduce(1L, Math::multiplyExact);
    require(elements <= Integer.MAX_VALUE, "samples of " + elements + " numbers");
    boolean numbers = table != null && table.target().ofNumbers();
    require(
        numbers ? classes != null && classes.isEmpty() : isWhole(classes) && classes.size() > 1,
        "its classes");
    require(isWhole(mean) && isWhole(std), "its mean or std");
    normalization();
    int channels = mean.size();
    require(
        channels == 1 || channels == sampleShape.get(sampleShape.size() - 1),
        "mean and std of " + channels + " channels for samples " + sampleShape);
    require(
        table == null || sampleShape.equals(List.of((long) table.inputs())),
        "a table whose inputs are not samples " + sampleShape);
    require(
        table == null || table.target().classes().equals(classes),
        "a table whose classes are not the model's");
    network();
  }

  /** Whether a list is there, is not empty, and has no null in it, all of which JSON can say. */
  private static boolean isWhole(@Nullable List<?> list) {
    return list != null && !list.isEmpty() && list.stream().allMatch(Objects::nonNull);
  }

  private static void require(boolean right, String problem) {
    if (!right) {
      throw new IllegalArgumentException(problem);
    }
  }

  /** The shape of one sample. */
  Shape shape() {
    return Shape.of(sampleShape.stream().mapToLong(Long::longValue).toArray());
  }

  /** The network, without weights. */
  Model network() {
    return ModelSpec.parse(model).model(shape(), Math.max(1, classes.size()));
  }

  /** What is applied to the data's numbers. */
  Normalization normalization() {
    return Normalization.of(
        mean.stream().mapToDouble(Double::doubleValue).toArray(),
        std.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
