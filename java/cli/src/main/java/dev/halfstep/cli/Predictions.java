package dev.halfstep.cli;

import dev.halfstep.data.CsvSchema;
import dev.halfstep.data.CsvTarget;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.nn.Predictor;
import dev.halfstep.report.ModelCard;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The rows of {@code predictions.csv}: the sample's index from 0, the class with the highest
 * probability, the probability of each class (softmax of the model's output), and the label where
 * the data have one; or the index, the number that is predicted, and the true one. Where the output
 * is not finite there is no class or number, and the probabilities are NaN.
 */
final class Predictions {
  private final Predictor predictor;
  private final int batch;
  private final List<String> classes;
  private final Optional<CsvTarget> number;
  private final Dataset data;
  private final boolean hasTargets;
  private final PredictionScore score = new PredictionScore();
  private int notFinite;
  private int firstNotFinite;

  /**
   * Predictions that are yet to be made.
   *
   * @param batch samples computed at once
   */
  Predictions(Predictor predictor, int batch, ModelCard card, PredictionData data) {
    this.predictor = predictor;
    this.batch = batch;
    this.classes = card.classes();
    this.number =
        Optional.ofNullable(card.table()).map(CsvSchema::target).filter(CsvTarget::ofNumbers);
    this.data = data.data();
    hasTargets = !this.data.form().targets().isEmpty();
  }

  /** How the predictions compare with the targets. */
  PredictionScore score() {
    return score;
  }

  /** How many rows have outputs that are not finite, and so no class and no probabilities. */
  int notFinite() {
    return notFinite;
  }

  /** The first of them. */
  int firstNotFinite() {
    return firstNotFinite;
  }

  /**
   * Predicts all samples.
   *
   * @param goesOn is told after each batch how many rows are done, and says whether to go on
   * @throws InterruptedIOException if it is not to go on
   */
  void write(OutputStream out, IntPredicate goesOn) throws IOException {
    StringBuilder text = new StringBuilder("row,predicted");
    for (String name : classes) {
      text.append(',').append(quoted("probability of " + name));
    }
    text.append(hasTargets ? ",label\n" : "\n");
    int outputs = Math.max(1, classes.size());
    SampleBatch samples = new SampleBatch(data.form(), batch);
    for (int from = 0; from < data.size(); from += batch) {
      int to = Math.min(data.size(), from + batch);
      data.read(IntStream.range(from, to).toArray(), samples);
      float[] scores = predictor.predict(samples.toFloats(0));
      for (int row = from; row < to; row++) {
        int at = (row - from) * outputs;
        text.append(row).append(',');
        if (number.isPresent()) {
          appendNumber(text, row, number.get().value(scores[at]), samples, row - from);
        } else {
          appendClass(text, row, scores, at, samples, row - from);
        }
        text.append('\n');
      }
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
      text.setLength(0);
      if (!goesOn.test(to)) {
        throw new InterruptedIOException("interrupted after row " + to);
      }
    }
  }

  private void appendNumber(
      StringBuilder text, int row, double predicted, SampleBatch samples, int inBatch) {
    if (!Double.isFinite(predicted)) {
      noteNotFinite(row);
    }
    text.append(Double.isFinite(predicted) ? Float.toString((float) predicted) : "");
    if (hasTargets) {
      float value = samples.target(0).getFloat(Float.BYTES * inBatch);
      text.append(',');
      if (!Float.isNaN(value)) {
        text.append(value);
        score.addNumber(predicted, value);
      }
    }
  }

  private void appendClass(
      StringBuilder text, int row, float[] scores, int at, SampleBatch samples, int inBatch) {
    int best = 0;
    for (int i = 1; i < classes.size(); i++) {
      if (scores[at + i] > scores[at + best]) {
        best = i;
      }
    }
    double[] shares = new double[classes.size()];
    double sum = 0;
    for (int i = 0; i < shares.length; i++) {
      shares[i] = Math.exp((double) scores[at + i] - scores[at + best]);
      sum += shares[i];
    }
    boolean known = !Double.isNaN(sum);
    if (!known) {
      noteNotFinite(row);
    }
    text.append(known ? quoted(classes.get(best)) : "");
    for (double share : shares) {
      text.append(',').append((float) (share / sum));
    }
    if (hasTargets) {
      int label = samples.target(0).getInt(Integer.BYTES * inBatch);
      text.append(',');
      if (label >= 0) {
        text.append(quoted(classes.get(label)));
        score.addClass(known ? best : -1, label);
      }
    }
  }

  private void noteNotFinite(int row) {
    firstNotFinite = notFinite == 0 ? row : firstNotFinite;
    notFinite++;
  }

  /** A field of a CSV file (RFC 4180). */
  static String quoted(String field) {
    boolean plain = field.chars().noneMatch(c -> c == ',' || c == '"' || c == '\r' || c == '\n');
    return plain
        ? field
        : field
            .chars()
            .mapToObj(c -> c == '"' ? "\"\"" : Character.toString(c))
            .collect(Collectors.joining("", "\"", "\""));
  }
}
