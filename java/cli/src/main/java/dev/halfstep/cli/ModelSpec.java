package dev.halfstep.cli;

import dev.halfstep.Shape;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.report.ModelCard;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The networks that {@code --model} can name. */
sealed interface ModelSpec {
  /** The possible names, for messages. */
  String POSSIBLE =
      "Possible is mlp:UNITS[,UNITS...] with one number a hidden layer, such as mlp:256,128, and"
          + " cnn for images.";

  /** Units of a layer. */
  Pattern UNITS = Pattern.compile("[1-9][0-9]{0,6}");

  /**
   * Reads what was given.
   *
   * @throws UsageException if it names no model
   */
  static ModelSpec parse(String text) {
    if (text.equals("cnn")) {
      return new Cnn();
    }
    String[] parts = text.split(":", 2);
    if (!parts[0].equals("mlp")) {
      throw new UsageException(
          "unknown --model '"
              + text
              + "'."
              + Suggestion.didYouMean(parts[0], List.of("mlp", "cnn")),
          POSSIBLE);
    }
    List<Integer> hidden = new ArrayList<>();
    for (String units : parts.length == 1 ? new String[] {""} : parts[1].split(",", -1)) {
      if (!UNITS.matcher(units.strip()).matches()) {
        throw new UsageException(
            "--model " + text + ": '" + units + "' is not a number of units.", POSSIBLE);
      }
      hidden.add(Integer.valueOf(units.strip()));
    }
    return new Mlp(List.copyOf(hidden));
  }

  /**
   * The network that a card names, without weights.
   *
   * @throws IllegalArgumentException if it names none, or one that is not for its samples
   */
  static Model network(ModelCard card) {
    try {
      return parse(card.model()).model(card.shape(), card.outputs());
    } catch (UsageException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /**
   * The model for samples of this shape, with this number of outputs: one for each class, or a
   * single one.
   *
   * @throws UsageException if it has more parameters than an array has room for, or is not for such
   *     samples
   */
  Model model(Shape sampleShape, int outputs);

  /**
   * {@code mlp:256,128}: a perceptron with hidden layers of 256 and 128 units, each followed by
   * ReLU, and the outputs.
   *
   * @param hidden units of each hidden layer
   */
  record Mlp(List<Integer> hidden) implements ModelSpec {
    private static final long MOST_PARAMETERS = 2_000_000_000;

    @Override
    public Model model(Shape sampleShape, int outputs) {
      long inputs = sampleShape.elements();
      long parameters = 0;
      for (int units : hidden) {
        parameters += (inputs + 1) * units;
        inputs = units;
      }
      parameters += (inputs + 1) * outputs;
      if (parameters > MOST_PARAMETERS) {
        throw new UsageException(
            String.format(
                Locale.ROOT,
                "--model has %,d parameters; possible are %,d.",
                parameters,
                MOST_PARAMETERS));
      }
      List<Layer> layers = new ArrayList<>(List.of(new Flatten()));
      for (int units : hidden) {
        layers.add(new Linear(units));
        layers.add(new ReLU());
      }
      layers.add(new Linear(outputs));
      return Model.of(sampleShape, Sequential.of(layers.toArray(Layer[]::new)));
    }
  }

  /**
   * {@code cnn}: two convolutions of 3 x 3 with 32 and 64 outputs, each followed by ReLU and the
   * maximum of 2 x 2 pixels, then 128 units with ReLU, and the outputs.
   */
  record Cnn() implements ModelSpec {
    private static final int LEAST_SIDE = 4;

    @Override
    public Model model(Shape sampleShape, int outputs) {
      if (sampleShape.rank() != 3
          || sampleShape.dim(0) < LEAST_SIDE
          || sampleShape.dim(1) < LEAST_SIDE) {
        throw new UsageException(
            "--model cnn takes images of at least 4 x 4 pixels, but the samples are " + sampleShape,
            "For other data there is mlp:UNITS[,UNITS...].");
      }
      return Model.of(
          sampleShape,
          Sequential.of()
              .then("conv1", new Conv2d(32, 3).padding(1))
              .then("relu1", new ReLU())
              .then("pool1", new MaxPool2d(2))
              .then("conv2", new Conv2d(64, 3).padding(1))
              .then("relu2", new ReLU())
              .then("pool2", new MaxPool2d(2))
              .then("flatten", new Flatten())
              .then("fc1", new Linear(128))
              .then("relu3", new ReLU())
              .then("fc2", new Linear(outputs)));
    }
  }
}
