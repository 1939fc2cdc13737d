package dev.halfstep.examples;

import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.LayerSpec;
import dev.halfstep.nn.Layers;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.SavedModel;
import dev.halfstep.nn.Scope;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A model with a layer of one's own is trained, written to a file with normalisation and names of
 * classes, and read back without the code that made it: what it says has the same bits.
 */
public final class ModelFromFile {
  private ModelFromFile() {}

  /** Multiplies by a number: a layer that can be written down. */
  record Temperature(double factor) implements Layer {
    static final String KIND = "dev.halfstep.examples.Temperature";

    @Override
    public Value apply(Scope scope, Value x) {
      return Ops.scale(x, (float) factor);
    }

    @Override
    public LayerSpec spec() {
      return LayerSpec.of(KIND).with("factor", factor);
    }
  }

  /**
   * Prints what the file says of the model.
   *
   * @param args a folder to write to
   * @throws IOException if nothing can be written there
   */
  public static void main(String[] args) throws IOException {
    Layers.register(Temperature.KIND, spec -> new Temperature(spec.number("factor")));
    Path file = Path.of(args[0]).resolve("digits.safetensors");

    Split digits = Digits.generate(2000, 500, 1);
    Dataset test = digits.heldOut();
    Model model =
        Model.of(
            Shape.of(28, 28, 1),
            Sequential.of(
                new Flatten(), new Linear(32), new ReLU(), new Linear(10), new Temperature(0.5)));
    Trainer.builder(model, digits.train())
        .optimizer(Optimizer.adam(0.003))
        .batchSize(32)
        .epochs(1)
        .build()
        .fit();
    SavedModel.of(model)
        .withNormalization(digits.train().form().input().normalization())
        .withClasses(IntStream.range(0, 10).mapToObj(Integer::toString).toList())
        .save(file);

    SavedModel read = SavedModel.read(file); // a program elsewhere needs this line, and `register`
    System.out.println(read.model());
    float[] x = test.withNormalization(read.normalization()).toFloats(0, test.size());
    float[] scores = read.model().predict(x); // [rows, 10]
    int right = 0;
    for (int row = 0; row < test.size(); row++) {
      int best = 0;
      for (int i = 1; i < 10; i++) {
        best = scores[row * 10 + i] > scores[row * 10 + best] ? i : best;
      }
      right += read.classes().get(best).equals("" + test.label(row)) ? 1 : 0;
    }
    System.out.printf("accuracy of the model from the file %.1f %%%n", 100.0 * right / test.size());
    System.out.println("bit for bit: " + Arrays.equals(model.predict(x), scores));
  }
}
