package dev.halfstep.cli;

import dev.halfstep.Shape;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What {@code --model} names: {@code mlp:256,128} is a perceptron with hidden layers of 256 and 128
 * units, each followed by ReLU, and one output for each class.
 *
 * @param hidden units of each hidden layer
 */
record ModelSpec(List<Integer> hidden) {
  private static final String POSSIBLE =
      "Possible is mlp:UNITS[,UNITS...] with one number a hidden layer, such as mlp:256,128.";
  private static final long MOST_PARAMETERS = 2_000_000_000;
  private static final Pattern UNITS = Pattern.compile("[1-9][0-9]{0,6}");

  /**
   * Reads what was given.
   *
   * @throws UsageException if it names no model
   */
  static ModelSpec parse(String text) {
    String[] parts = text.split(":", 2);
    if (!parts[0].equals("mlp")) {
      throw new UsageException(
          "unknown --model '" + text + "'." + Suggestion.didYouMean(parts[0], List.of("mlp")),
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
    return new ModelSpec(List.copyOf(hidden));
  }

  /**
   * The model for samples of this shape and so many classes.
   *
   * @throws UsageException if it has more parameters than an array has room for
   */
  Model model(Shape sampleShape, int classes) {
    long inputs = sampleShape.elements();
    long parameters = 0;
    for (int units : hidden) {
      parameters += (inputs + 1) * units;
      inputs = units;
    }
    parameters += (inputs + 1) * classes;
    if (parameters > MOST_PARAMETERS) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "--model has %,d parameters; possible are %,d.",
              parameters,
              MOST_PARAMETERS));
    }
    Sequential layers = Sequential.of(new Flatten());
    for (int units : hidden) {
      layers = layers.then(new Linear(units)).then(new ReLU());
    }
    return Model.of(sampleShape, layers.then(new Linear(classes)));
  }
}
