package dev.halfstep.cli;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.CsvSamples;
import dev.halfstep.data.DataException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Idx;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Normalization;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What {@code predict --data} names, prepared as the model's training data were.
 *
 * @param features normalised as the model expects it
 * @param labels the true classes, where the data have them
 */
record PredictionData(Features features, Optional<Labels> labels) {
  private static final String IDX = "idx:";
  private static final String CSV = "csv:";
  private static final List<String> KINDS = List.of("digits", "mnist", "random");

  /**
   * Loads samples for a model.
   *
   * @throws UsageException if the source is unknown, its files are missing or damaged, or its
   *     samples are not such as the model takes
   */
  static PredictionData load(String source, ModelCard card) {
    try {
      PredictionData data = read(source, card);
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

  private static PredictionData read(String source, ModelCard card) throws DataException {
    boolean csv = source.startsWith(CSV);
    List<String> columns = card.columns();
    String labelColumn = card.labelColumn();
    if (csv != (columns != null)) {
      throw new UsageException(
          "--data "
              + source
              + ": the model was trained on "
              + (csv ? "samples " + card.shape() + ", not on" : "columns of")
              + " a CSV file");
    }
    if (columns != null && labelColumn != null) {
      CsvSamples samples =
          CsvSamples.load(
              DataSource.path(source, "csv:FILE"),
              columns,
              labelColumn,
              card.classes(),
              card.normalization());
      return new PredictionData(samples.features(), samples.labels());
    }
    Normalization normalization = card.normalization();
    if (source.startsWith(IDX)) {
      return new PredictionData(
          images(DataSource.path(source, "idx:FILE")).withNormalization(normalization),
          Optional.empty());
    }
    String kind = source.contains(":") ? source.substring(0, source.indexOf(':')) : source;
    if (!KINDS.contains(kind)) {
      throw new UsageException(
          "unknown --data '" + source + "'." + Suggestion.didYouMean(kind, KINDS),
          "Possible are idx:FILE, csv:FILE, and digits and mnist:DIR for their test samples.");
    }
    Dataset test = DataSource.load(source, Optional.empty(), 0).parts().heldOut();
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
        test.features().withNormalization(normalization), Optional.of((Labels) test.targets()));
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
