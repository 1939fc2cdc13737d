package dev.halfstep.cli;

import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.nn.Predictor;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/**
 * The rows of {@code predictions.csv}: the sample's index from 0, the class with the highest
 * probability, the probability of each class (softmax of the model's output), and the label where
 * the data have one. Where the output is not finite there is no class, and the probabilities are
 * NaN.
 */
final class Predictions {
  private final Predictor predictor;
  private final int batch;
  private final List<String> classes;
  private final Features features;
  private final Optional<Labels> labels;
  private int correct;
  private int notFinite;
  private int firstNotFinite;

  /**
   * Predictions that are yet to be made.
   *
   * @param batch samples computed at once
   */
  Predictions(Predictor predictor, int batch, List<String> classes, PredictionData data) {
    this.predictor = predictor;
    this.batch = batch;
    this.classes = classes;
    this.features = data.features();
    this.labels = data.labels();
  }

  /** How many predictions are those of the labels. */
  int correct() {
    return correct;
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
  void write(FileChannel channel, IntPredicate goesOn) throws IOException {
    StringBuilder text = new StringBuilder("row,predicted");
    for (String name : classes) {
      text.append(',').append(quoted("probability of " + name));
    }
    text.append(labels.isPresent() ? ",label\n" : "\n");
    for (int from = 0; from < features.size(); from += batch) {
      int to = Math.min(features.size(), from + batch);
      float[] scores = predictor.predict(features.toFloats(from, to));
      for (int row = from; row < to; row++) {
        append(text, row, scores, (row - from) * classes.size());
      }
      ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      text.setLength(0);
      if (!goesOn.test(to)) {
        throw new InterruptedIOException("interrupted after row " + to);
      }
    }
  }

  private void append(StringBuilder text, int row, float[] scores, int at) {
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
      firstNotFinite = notFinite == 0 ? row : firstNotFinite;
      notFinite++;
    }
    text.append(row).append(',').append(known ? quoted(classes.get(best)) : "");
    for (double share : shares) {
      text.append(',').append((float) (share / sum));
    }
    if (labels.isPresent()) {
      int label = labels.get().get(row);
      correct += known && label == best ? 1 : 0;
      text.append(',').append(quoted(classes.get(label)));
    }
    text.append('\n');
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
