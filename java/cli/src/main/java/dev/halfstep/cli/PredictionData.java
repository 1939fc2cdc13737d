package dev.halfstep.cli;

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
      return idx(source, card);
    }
    String kind = source.contains(":") ? source.substring(0, source.indexOf(':')) : source;
    if (!KINDS.contains(kind)) {
      throw new UsageException(
          "unknown --data '" + source + "'." + Suggestion.didYouMean(kind, KINDS),
          "Possible are idx:SAMPLES[,LABELS], csv:FILE, and digits and mnist:DIR for their test samples.");
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

  /** All samples of an IDX file, with the labels of another where it is given. */
  private static PredictionData idx(String source, ModelCard card) throws DataException {
    String form = "idx:SAMPLES or idx:SAMPLES,LABELS";
    List<Path> files = DataSource.paths(source, form);
    if (files.size() > 2) {
      throw new UsageException(
          "--data " + source + ": names " + files.size() + " files.", "Give it as " + form + ".");
    }
    Features features = Idx.features(files.get(0)).withNormalization(card.normalization());
    if (files.size() == 1) {
      return new PredictionData(features, Optional.empty());
    }
    int[] labels = Idx.labels(files.get(1));
    if (labels.length != features.size()) {
      throw new UsageException(
          "--data "
              + source
              + ": "
              + features.size()
              + " samples, but "
              + labels.length
              + " labels; they do not belong together");
    }
    for (int i = 0; i < labels.length; i++) {
      int target = card.classes().indexOf(Integer.toString(labels[i]));
      if (target < 0) {
        throw new UsageException(
            files.get(1)
                + ": label "
                + labels[i]
                + " of sample "
                + i
                + " is none of the model's classes "
                + card.classes());
      }
      labels[i] = target;
    }
    return new PredictionData(
        features, Optional.of(Labels.of(labels, card.classes().size()).withNames(card.classes())));
  }
}
