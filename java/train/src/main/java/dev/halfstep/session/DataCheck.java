package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.InputSpec;
import dev.halfstep.data.SampleBatch;
import dev.halfstep.data.SampleReader;
import dev.halfstep.data.TargetSpec;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.CrossEntropy;
import dev.halfstep.optim.Loss;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.function.IntUnaryOperator;

/**
 * Checks that data fit a model and its loss: data in memory are checked as a whole beforehand,
 * other data batch by batch as they are read.
 */
final class DataCheck {
  private final Dataset data;
  private final Loss loss;
  private final long[] tokens; // tokens that the model knows, by input; 0: no check is needed
  private final int[] classes; // classes by target; 0: no check is needed

  private DataCheck(SessionOptions options, Dataset data) {
    this.data = data;
    Model model = options.model();
    BatchSource source = BatchSource.of(options, data, 0);
    loss = source.loss();
    tokens =
        source.inputs().stream()
            .mapToLong(input -> input.type() == DType.I32 ? model.vocabulary(input.name()) : 0)
            .toArray();
    if (loss.takesNames()) {
      classes = new StepPlans(options, source).classes();
    } else {
      classes = new int[] {loss.targetType() == DType.I32 ? classes(model) : 0};
    }
    for (int i = 0; i < classes.length; i++) {
      if (classes[i] > 0 && saysEnough(loss, data.form().targets().get(i), classes[i])) {
        classes[i] = 0;
      }
    }
  }

  /** Whether the declaration ensures that each label is a class of the model, or ignored. */
  private static boolean saysEnough(Loss loss, TargetSpec labels, int classes) {
    return labels.classes() <= classes
        && labels.ignoreIndex().orElse(loss.ignoreLabel()) == loss.ignoreLabel();
  }

  /**
   * Compares declarations, and checks each value of data in memory if the declarations leave doubt.
   *
   * @return the check for the batches of data that are not in memory
   * @throws IllegalArgumentException if types or shapes do not fit the model and the loss, or a
   *     label or token is out of range; the message names the sample
   */
  static DataCheck of(SessionOptions options, Dataset data) {
    DataCheck check = new DataCheck(options, data);
    if (data.inMemory() && check.looksAtSamples()) {
      for (SampleReader reader = new SampleReader(data); reader.next(); ) {
        int first = reader.first();
        check.batch(reader.batch(), row -> first + row);
      }
    }
    return check;
  }

  /**
   * Checks samples that were read.
   *
   * @throws IllegalArgumentException as {@link #of}
   */
  void read(SampleBatch batch, int[] samples) {
    if (!data.inMemory() && looksAtSamples()) {
      batch(batch, row -> samples[row]);
    }
  }

  private boolean looksAtSamples() {
    return Arrays.stream(tokens).anyMatch(known -> known > 0)
        || Arrays.stream(classes).anyMatch(count -> count > 0);
  }

  private void batch(SampleBatch batch, IntUnaryOperator sample) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] > 0) {
        tokens(i, batch, sample);
      }
    }
    for (int i = 0; i < classes.length; i++) {
      if (classes[i] > 0) {
        labels(i, batch, sample);
      }
    }
  }

  private void tokens(int input, SampleBatch batch, IntUnaryOperator sample) {
    InputSpec spec = data.form().inputs().get(input);
    int places = (int) spec.shape().elements();
    for (int i = 0; i < batch.rows() * places; i++) {
      int token = batch.input(input).getInt(i * Integer.BYTES);
      if (token < 0 || token >= tokens[input]) {
        throw new IllegalArgumentException(
            "token "
                + token
                + " at place "
                + i % places
                + (tokens.length == 1 ? "" : " of input " + spec.name())
                + " of sample ("
                + data.name()
                + ") "
                + sample.applyAsInt(i / places)
                + " is outside [0, "
                + tokens[input]
                + "), the tokens that the model's embedding has");
      }
    }
  }

  private void labels(int target, SampleBatch batch, IntUnaryOperator sample) {
    TargetSpec spec = data.form().targets().get(target);
    int positions = (int) spec.shape().elements();
    for (int i = 0; i < batch.rows() * positions; i++) {
      int label = batch.target(target).getInt(i * Integer.BYTES);
      if (!loss.takes(label, classes[target])) {
        throw new IllegalArgumentException(
            data.name()
                + ": label "
                + label
                + (loss.takesNames() ? " (" + spec.name() + ")" : "")
                + " of sample "
                + sample.applyAsInt(i / positions)
                + (spec.shape().rank() == 0 ? "" : ", position " + i % positions)
                + reason(label, spec, classes[target]));
      }
    }
  }

  private String reason(int label, TargetSpec spec, int outputs) {
    if (label != spec.ignoreIndex().orElse(loss.ignoreLabel())) {
      return " is outside the model's "
          + outputs
          + " outputs: the data have "
          + spec.classes()
          + " classes, and the model's last layer needs an output for each";
    }
    return loss.takesNames()
        ? " is the one that the data ignore, but the loss takes the cross-entropy of all: leave out"
            + " such samples"
        : " is the one that the data ignore, but the loss ignores "
            + loss.ignoreLabel()
            + ": give both the same";
  }

  /** The number of classes of a model: the last dimension of its output. */
  static int classes(Model model) {
    Shape output = model.outputShape();
    return output.rank() == 0 ? 1 : (int) output.dim(-1);
  }

  /**
   * The loss for these data: if the data declare a label to ignore and the loss does not, the loss
   * ignores it too.
   *
   * @throws IllegalArgumentException if the data ignore -1, which a loss cannot ignore
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
