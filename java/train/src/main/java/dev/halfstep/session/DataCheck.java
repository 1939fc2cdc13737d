package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.data.SampleReader;
import dev.halfstep.data.TargetSpec;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.CrossEntropy;
import dev.halfstep.optim.Loss;
import java.util.OptionalInt;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What is compared between a model with its loss and the data that it is given: all of them
 * beforehand where they lie in memory, and else each batch as it is read.
 */
final class DataCheck {
  private final Dataset data;
  private final Model model;
  private final boolean tokens;
  private final @Nullable Loss loss; // null: no label can be wrong

  private DataCheck(SessionOptions options, Dataset data) {
    this.data = data;
    model = options.model();
    tokens = data.form().input().type() == DType.I32 && model.vocabulary() > 0;
    Loss resolved = BatchSource.of(options, data, 0).loss();
    boolean looked =
        resolved.targetType() == DType.I32
            && !saysEnough(resolved, data.form().target(), classes(model));
    loss = looked ? resolved : null;
  }

  /** Whether each label that can be there is one of the model's classes, or ignored. */
  private static boolean saysEnough(Loss loss, TargetSpec labels, int classes) {
    return labels.classes() <= classes
        && labels.ignoreIndex().orElse(loss.ignoreLabel()) == loss.ignoreLabel();
  }

  /**
   * Compares declarations, and goes through data in memory where those do not say enough.
   *
   * @return what looks at the batches of other data
   * @throws IllegalArgumentException if types or shapes are not those that the model and the loss
   *     take, or a label is none of the model's classes, or a token none that it knows: the message
   *     names the sample
   */
  static DataCheck of(SessionOptions options, Dataset data) {
    DataCheck check = new DataCheck(options, data);
    if (data.inMemory() && (check.tokens || check.loss != null)) {
      for (SampleReader reader = new SampleReader(data); reader.next(); ) {
        int first = reader.first();
        check.batch(reader.batch(), row -> first + row);
      }
    }
    return check;
  }

  /**
   * Looks at samples that were read.
   *
   * @throws IllegalArgumentException as {@link #of}
   */
  void read(SampleBatch batch, int[] samples) {
    if (!data.inMemory() && (tokens || loss != null)) {
      batch(batch, row -> samples[row]);
    }
  }

  private void batch(SampleBatch batch, IntUnaryOperator sample) {
    if (tokens) {
      tokens(batch, sample);
    }
    if (loss != null) {
      labels(loss, batch, sample);
    }
  }

  private void tokens(SampleBatch batch, IntUnaryOperator sample) {
    int places = (int) data.sampleShape().elements();
    for (int i = 0; i < batch.rows() * places; i++) {
      int token = batch.input(0).getInt(i * Integer.BYTES);
      if (token < 0 || token >= model.vocabulary()) {
        throw new IllegalArgumentException(
            "token "
                + token
                + " at place "
                + i % places
                + " of sample ("
                + data.name()
                + ") "
                + sample.applyAsInt(i / places)
                + " is outside [0, "
                + model.vocabulary()
                + "), the tokens that the model's embedding has");
      }
    }
  }

  private void labels(Loss loss, SampleBatch batch, IntUnaryOperator sample) {
    TargetSpec spec = data.form().target();
    int classes = classes(model);
    int positions = (int) spec.shape().elements();
    for (int i = 0; i < batch.rows() * positions; i++) {
      int label = batch.target(0).getInt(i * Integer.BYTES);
      if (!loss.takes(label, classes)) {
        throw new IllegalArgumentException(
            data.name()
                + ": label "
                + label
                + " of sample "
                + sample.applyAsInt(i / positions)
                + (spec.shape().rank() == 0 ? "" : ", position " + i % positions)
                + (label == spec.ignoreIndex().orElse(loss.ignoreLabel())
                    ? " is the one that the data ignore, but the loss ignores "
                        + loss.ignoreLabel()
                        + ": give both the same"
                    : " is outside the model's "
                        + classes
                        + " outputs: the data have "
                        + spec.classes()
                        + " classes, and the model's last layer needs an output for each"));
      }
    }
  }

  /** How many classes a model tells apart: the last dimension of its output. */
  static int classes(Model model) {
    Shape output = model.outputShape();
    return output.rank() == 0 ? 1 : (int) output.dim(-1);
  }

  /**
   * The loss for these data: where they leave out a label and the loss says nothing of one, it
   * takes theirs over.
   *
   * @throws IllegalArgumentException if they leave out -1, which a loss cannot
   */
  static Loss loss(Loss loss, Dataset data) {
    if (!(loss instanceof CrossEntropy entropy)) {
      return loss;
    }
    OptionalInt ignored = data.form().target().ignoreIndex();
    if (ignored.isEmpty() || entropy.ignoreLabel() != CrossEntropy.NONE_IGNORED) {
      return loss;
    }
    if (ignored.getAsInt() == CrossEntropy.NONE_IGNORED) {
      throw new IllegalArgumentException(
          data.name() + " ignores label -1, which a loss cannot: take -100 for such positions");
    }
    return entropy.ignoreLabel(ignored.getAsInt());
  }
}
