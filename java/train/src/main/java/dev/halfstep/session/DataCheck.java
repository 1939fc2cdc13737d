package dev.halfstep.session;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Labels;
import dev.halfstep.nn.Model;
import dev.halfstep.optim.CrossEntropy;
import dev.halfstep.optim.Loss;
import java.util.OptionalInt;

/** What is compared between a model with its loss and the data that it is given, beforehand. */
final class DataCheck {
  private DataCheck() {}

  /**
   * Goes through the data where their declarations do not say enough.
   *
   * @throws IllegalArgumentException if types or shapes are not those that the model and the loss
   *     take, or a label is none of the model's classes, or a token none that it knows: the message
   *     names the sample
   */
  static void check(SessionOptions options, Dataset data) {
    BatchSource source = BatchSource.of(options, data, 0);
    if (data.features().type() == DType.I32) {
      options
          .model()
          .requireKnown(data.features().buffer().asIntBuffer(), "sample (" + data.name() + ")");
    }
    if (data.targets() instanceof Labels labels && source.loss() instanceof CrossEntropy loss) {
      labels(options.model(), loss, labels, data.name());
    }
  }

  private static void labels(Model model, CrossEntropy loss, Labels labels, String name) {
    int classes = classes(model);
    int declared = labels.ignoreIndex().orElse(loss.ignoreLabel());
    if (labels.classes() <= classes && declared == loss.ignoreLabel()) {
      return; // each label is one of these, or ignored: they were looked at when they were made
    }
    int positions = (int) Math.max(1, labels.sampleShape().elements());
    for (int i = 0; i < labels.size() * positions; i++) {
      int label = labels.get(i);
      if (!loss.takes(label, classes)) {
        throw new IllegalArgumentException(
            name
                + ": label "
                + label
                + " of sample "
                + i / positions
                + (labels.sampleShape().rank() == 0 ? "" : ", position " + i % positions)
                + (label == declared
                    ? " is the one that the data ignore, but the loss ignores "
                        + loss.ignoreLabel()
                        + ": give both the same"
                    : " is outside the model's "
                        + classes
                        + " outputs: the data have "
                        + labels.classes()
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
    if (!(loss instanceof CrossEntropy entropy) || !(data.targets() instanceof Labels labels)) {
      return loss;
    }
    OptionalInt ignored = labels.ignoreIndex();
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
