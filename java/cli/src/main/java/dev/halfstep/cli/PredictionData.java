package dev.halfstep.cli;

import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.CsvDoubt;
import dev.halfstep.data.CsvSamples;
import dev.halfstep.data.CsvSchema;
import dev.halfstep.data.DataException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Idx;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Normalization;
import dev.halfstep.report.ModelCard;
import java.nio.file.Path;
import java.util.List;

/**
 * The data of {@code predict --data}, prepared as the model's training data were.
 *
 * @param data normalised as the model expects them, with the true classes or numbers as targets
 *     where they are known
 * @param doubts about values that training did not see
 */
record PredictionData(Dataset data, List<CsvDoubt> doubts) {
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
      PredictionData read = read(source, form, card);
      if (!read.data.sampleShape().equals(card.shape())) {
        throw new UsageException(
            "--data "
                + source
                + ": its samples are "
                + read.data.sampleShape()
                + ", but the model takes "
                + card.shape());
      }
      return read;
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
      return new PredictionData(samples.data(), samples.doubts());
    }
    if (form.given().isPresent()) {
      throw new UsageException(form.given().get() + " is for CSV files, but --data is " + source);
    }
    Normalization normalization = card.normalization();
    if (source.startsWith(IDX)) {
      return idx(source, card);
    }
    String kind = source.contains(":") ? source.substring(0, source.indexOf(':')) : source;
    if (!KINDS.contains(kind)) {
      throw new UsageException(
          "unknown --data '" + source + "'." + Suggestion.didYouMean(kind, KINDS),
          "Possible are idx:SAMPLES[,LABELS], csv:FILE, and digits and mnist:DIR for their test"
              + " samples.");
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
    return new PredictionData(test.withNormalization(normalization), List.of());
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
      return new PredictionData(ArrayDataset.of(source, features), List.of());
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
    Labels classes = Labels.of(labels, card.classes().size()).withNames(card.classes());
    return new PredictionData(ArrayDataset.of(source, features, classes), List.of());
  }
}
