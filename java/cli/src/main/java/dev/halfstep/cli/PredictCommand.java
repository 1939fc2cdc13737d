package dev.halfstep.cli;

import dev.halfstep.Device;
import dev.halfstep.files.AtomicFile;
import dev.halfstep.files.ModelFileException;
import dev.halfstep.files.Safetensors;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Predictor;
import dev.halfstep.report.Advice;
import dev.halfstep.report.HalfstepVersion;
import dev.halfstep.report.ModelCard;
import dev.halfstep.report.Report;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code halfstep predict}: writes a trained model's predictions to a CSV file. */
@Command(
    name = "predict",
    description = {
      "Writes what a trained model says of samples: the class and the probability of each class, or"
          + " the number that it predicts.",
      "Which network it is and how samples are prepared stands in the model file."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class PredictCommand implements Callable<Integer> {
  private final PrintWriter out;

  @Option(
      names = "--model-file",
      paramLabel = "FILE",
      required = true,
      description = "A model.safetensors that halfstep train wrote.")
  private String modelFile = "";

  @Option(
      names = "--data",
      paramLabel = "SOURCE",
      required = true,
      description = {
        "What to predict:",
        "csv:FILE: all rows; the columns of the training data are found by their names, the label"
            + " may be missing or empty",
        "idx:SAMPLES[,LABELS]: IDX files, gzip or not",
        "mnist:DIR, digits, random: the test samples of train"
      })
  private String data = "";

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "predictions.csv",
      description = "The file to write (default: ${DEFAULT-VALUE}).")
  private String output = "";

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "256",
      description = "Samples computed at once (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Mixin private final CsvFormOptions form = new CsvFormOptions();
  @Mixin private final DeviceOptions device = new DeviceOptions();
  @Mixin private final JsonOption json = new JsonOption();

  PredictCommand(PrintWriter out) {
    this.out = out;
  }

  /**
   * What {@code --json} writes.
   *
   * @param correct the number of predictions that equal the label; null without labels
   * @param accuracy their share of the rows that have one
   * @param rmse the root of the mean squared error of numbers; null without targets
   * @param r2 the share of the numbers' variance that the model explains
   */
  record PredictResult(
      int schema,
      String halfstep,
      String modelFile,
      String model,
      String data,
      String device,
      int rows,
      @Nullable Integer correct,
      @Nullable Double accuracy,
      @Nullable Double rmse,
      @Nullable Double r2,
      double wallSeconds) {}

  @Override
  public Integer call() throws IOException {
    RunOptions.atLeastOne("--batch-size", batchSize);
    device.check();
    Path jsonFile = json.check();
    Path file = OutputFolder.checkFile("--out", output);
    OutputFolder.requireOther(file, "--model-file", modelFile);
    OutputFolder.requireOther(file, "--data", DataSource.place(data));
    if (jsonFile != null) {
      OutputFolder.requireOther(jsonFile, "--model-file", modelFile);
      OutputFolder.requireOther(jsonFile, "--data", DataSource.place(data));
      OutputFolder.requireOther(jsonFile, "--out", output);
    }
    ModelCard card;
    Model model;
    try {
      Safetensors.Contents contents = Safetensors.read(modelPath());
      card = ModelCard.in(contents);
      model = card.model(contents, ModelSpec::network);
    } catch (ModelFileException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    }
    PredictionData samples = PredictionData.load(data, form, card);
    int batch = Math.min(batchSize, samples.data().size());
    try (Device opened = device.open();
        Predictor predictor = Predictor.builder(model).device(opened).batchSizes(batch).open();
        Interruption interruption = Interruption.listen()) {
      Predictions predictions = new Predictions(predictor, batch, card, samples);
      return run(opened, interruption, card, model, samples, predictions, file, jsonFile);
    }
  }

  private Path modelPath() {
    try {
      return Path.of(modelFile);
    } catch (InvalidPathException e) {
      throw UsageException.noPath("--model-file " + modelFile, e);
    }
  }

  private int run(
      Device opened,
      Interruption interruption,
      ModelCard card,
      Model model,
      PredictionData samples,
      Predictions predictions,
      Path file,
      @Nullable Path jsonFile)
      throws IOException {
    int rows = samples.data().size();
    RowProgress progress = new RowProgress(out, ProgressBar.isTerminal(), rows);
    try {
      AtomicFile.write(
          file,
          stream ->
              predictions.write(
                  stream,
                  done -> {
                    progress.done(done);
                    return interruption.status() == 0;
                  }));
    } catch (InterruptedIOException e) {
      out.println("interrupted: " + file + " is not written");
      return interruption.status();
    } finally {
      progress.end();
    }
    PredictionScore score = predictions.score();
    out.print(Advice.onData(samples.doubts()));
    out.print(score.described());
    out.printf(Locale.ROOT, "%,d rows, %.1f s, written to %s%n", rows, progress.seconds(), file);
    json.write(
        jsonFile,
        new PredictResult(
            Report.SCHEMA,
            HalfstepVersion.current(),
            modelFile,
            card.model(),
            data,
            opened.id(),
            rows,
            score.correct(),
            score.accuracy(),
            score.rmse(),
            score.r2(),
            progress.seconds()));
    requireFinite(model, predictions, rows);
    return 0;
  }

  /** Predictions that are not finite make the command fail. */
  private void requireFinite(Model model, Predictions predictions, int rows) {
    if (predictions.notFinite() > 0) {
      boolean weights = true;
      for (float weight : model.weights()) {
        weights &= Float.isFinite(weight);
      }
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "the outputs of %,d of %,d rows are not finite, those of row %d the first: %s",
              predictions.notFinite(),
              rows,
              predictions.firstNotFinite(),
              weights
                  ? "look at its features"
                  : "the weights in "
                      + modelFile
                      + " are not, as a run that diverged leaves them"));
    }
  }
}
