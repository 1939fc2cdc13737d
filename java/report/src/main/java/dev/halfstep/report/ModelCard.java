package dev.halfstep.report;

import dev.halfstep.Shape;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.CsvSchema;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Normalization;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.SavedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Describes how {@code predict} prepares samples for a model and what the classes are called. In a
 * file {@link SavedModel} holds the layers, the normalisation and the classes; the card, an entry
 * of the metadata in JSON, holds {@code model} and {@code table}, which only the command line
 * knows. Files that are older than SavedModel hold everything in the card.
 *
 * @param model the name of the network, such as {@code mlp:256,128} for the command line
 * @param sampleShape the shape of one sample
 * @param classes names of the classes in the order of the outputs; empty if numbers are predicted
 * @param mean what is subtracted from the data's numbers, one for all or one a channel
 * @param std what they are divided by
 * @param table how the columns of a CSV file become samples, which are not normalised once more;
 *     null for other data
 */
public record ModelCard(
    String model,
    List<Long> sampleShape,
    List<String> classes,
    List<Double> mean,
    List<Double> std,
    @Nullable CsvSchema table) {
  private static final int MOST_SHOWN = 500;

  /** The name of the metadata's entry. */
  public static final String KEY = "halfstep.network";

  /** The card of a model that is trained on these data. */
  public static ModelCard of(String model, Dataset train, Optional<CsvData> csv) {
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
  public static ModelCard in(Safetensors.Contents file) throws ModelFileException {
    String text = file.metadata().get(KEY);
    if (SavedModel.isIn(file)) {
      return of(file.file(), SavedModel.of(file), text == null ? "{}" : text);
    }
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
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw notUnderstood(file.file(), text, e);
    }
  }

  /** The card of a file that holds the model's layers, completed by the entry of the metadata. */
  private static ModelCard of(Path file, SavedModel saved, String text) throws ModelFileException {
    try {
      Extra extra = Json.parse(text, Extra.class);
      Normalization normalization = saved.normalization();
      int channels = normalization.channels();
      int outputs = (int) saved.model().outputShape().elements();
      boolean numbers = extra.table != null && extra.table.target().ofNumbers();
      List<String> numbered = IntStream.range(0, outputs).mapToObj(Integer::toString).toList();
      ModelCard card =
          new ModelCard(
              extra.model == null ? saved.model().toString() : extra.model,
              Arrays.stream(saved.model().sampleShape().toArray()).boxed().toList(),
              saved.classes().isEmpty() && !numbers ? numbered : saved.classes(),
              IntStream.range(0, channels).mapToObj(normalization::mean).toList(),
              IntStream.range(0, channels).mapToObj(normalization::std).toList(),
              extra.table);
      card.check();
      return card;
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw notUnderstood(file, text, e);
    }
  }

  private static ModelFileException notUnderstood(Path file, String text, RuntimeException e) {
    return new ModelFileException(
        file,
        "has a "
            + KEY
            + " that this version does not understand ("
            + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
            + "): "
            + text.substring(0, Math.min(text.length(), MOST_SHOWN)));
  }

  /** The part of the card that {@link SavedModel} does not hold. */
  record Extra(@Nullable String model, @Nullable CsvSchema table) {}

  /** Writes a model to a file together with this card. */
  public void save(Path file, Model trained, Map<String, String> metadata) throws IOException {
    Map<String, String> texts = new HashMap<>(metadata);
    texts.put(KEY, Json.line(new Extra(model, table)));
    SavedModel.of(trained)
        .withNormalization(normalization())
        .withClasses(classes)
        .withMetadata(texts)
        .save(file);
  }

  /**
   * Makes the model that this card describes and loads its weights from the file.
   *
   * @param named makes the network that an older file only names, without weights; it throws an
   *     IllegalArgumentException for a name that it does not know
   * @throws ModelFileException if the file does not hold that model
   */
  public Model model(Safetensors.Contents file, Function<ModelCard, Model> named)
      throws ModelFileException {
    if (SavedModel.isIn(file)) {
      return SavedModel.of(file).model();
    }
    Model network;
    try {
      network = named.apply(this);
    } catch (IllegalArgumentException e) {
      throw notUnderstood(file.file(), file.metadata().getOrDefault(KEY, ""), e);
    }
    return network.load(file);
  }

  /** Checks every field, since a file may hold something that no run wrote. */
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
  }

  /** Whether a list is present, not empty and without nulls; JSON allows all three. */
  private static boolean isWhole(@Nullable List<?> list) {
    return list != null && !list.isEmpty() && list.stream().allMatch(Objects::nonNull);
  }

  private static void require(boolean right, String problem) {
    if (!right) {
      throw new IllegalArgumentException(problem);
    }
  }

  /** The shape of one sample. */
  public Shape shape() {
    return Shape.of(sampleShape.stream().mapToLong(Long::longValue).toArray());
  }

  /** The outputs of the network: one a class, or one. */
  public int outputs() {
    return Math.max(1, classes.size());
  }

  /** What is applied to the data's numbers. */
  public Normalization normalization() {
    return Normalization.of(
        mean.stream().mapToDouble(Double::doubleValue).toArray(),
        std.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
