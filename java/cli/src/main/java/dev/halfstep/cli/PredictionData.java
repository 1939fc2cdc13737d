package dev.halfstep.cli;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.CsvDoubt;
import dev.halfstep.data.CsvSamples;
import dev.halfstep.data.CsvSchema;
import dev.halfstep.data.DataException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Idx;
import dev.halfstep.data.Normalization;
import dev.halfstep.data.Targets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What {@code predict --data} names, prepared as the model's training data were.
 *
 * @param features normalised as the model expects it
 * @param targets the true classes or numbers, where the data have them
 * @param doubts about values that training did not see
 */
record PredictionData(Features features, Optional<Targets> targets, List<CsvDoubt> doubts) {
  private static final String IDX = "idx:";
  private static final String CSV = "csv:";
  private static final List<String> KINDS = List.of("digits", "mnist", "random");

  /**
   * Loads samples for a model.
   *
   * @throws UsageException if the source is unknown, its files are missing or damaged, or its
   *     samples are not such as the model takes
   */
  static PredictionData load(String source, CsvFormOptions form, ModelCard card) {
    try {
      PredictionData data = read(source, form, card);
      if (!data.features.sampleShape().equals(card.shape())) {
        throw new UsageException(
            "--data "
                + source
                + ": its samples are "
                + data.features.sampleShape()
                + ", but the model takes "
                + card.shape());
      }
      return data;
    } catch (DataException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  private static PredictionData read(String source, CsvFormOptions form, ModelCard card)
      throws DataException {
    boolean csv = source.startsWith(CSV);
    CsvSchema table = card.table();
    if (csv != (table != null)) {
      throw new UsageException(
          "--data "
              + source
              + ": the model was trained on "
              + (csv ? "samples " + card.shape() + ", not on" : "columns of")
              + " a CSV file");
    }
    if (table != null) {
      CsvSchema asked =
          table.withForm(
              form.header().orElse(table.header()), form.separator().orElse(table.separator()));
      CsvSamples samples = CsvSamples.load(DataSource.path(source, "csv:FILE"), asked);
      return new PredictionData(samples.features(), samples.targets(), samples.doubts());
    }
    if (form.given().isPresent()) {
      throw new UsageException(form.given().get() + " is for CSV files, but --data is " + source);
    }
    Normalization normalization = card.normalization();
    if (source.startsWith(IDX)) {
      return new PredictionData(
          images(DataSource.path(source, "idx:FILE")).withNormalization(normalization),
          Optional.empty(),
          List.of());
    }
    String kind = source.contains(":") ? source.substring(0, source.indexOf(':')) : source;
    if (!KINDS.contains(kind)) {
      throw new UsageException(
          "unknown --data '" + source + "'." + Suggestion.didYouMean(kind, KINDS),
          "Possible are idx:FILE, csv:FILE, and digits and mnist:DIR for their test samples.");
    }
    Dataset test = DataSource.load(source, new CsvOptions(), 0).parts().heldOut();
    if (test.classes() != card.classes().size()) {
      throw new UsageException(
          "--data "
              + source
              + ": has "
              + test.classes()
              + " classes, but the model "
              + card.classes().size());
    }
    return new PredictionData(
        test.features().withNormalization(normalization), Optional.of(test.targets()), List.of());
  }

  /** All images of an IDX file, {@code [height, width, 1]}. */
  private static Features images(Path file) throws DataException {
    Idx.Contents contents = Idx.read(file);
    Shape shape = contents.shape();
    if (contents.type() != DType.U8 || shape.rank() != 3 || shape.elements() == 0) {
      throw new UsageException(
          file
              + ": holds "
              + contents.type()
              + " "
              + shape
              + ", expected images: U8 [samples, height, width]");
    }
    return Features.adopt(contents.values(), DType.U8, Shape.of(shape.dim(1), shape.dim(2), 1));
  }
}
