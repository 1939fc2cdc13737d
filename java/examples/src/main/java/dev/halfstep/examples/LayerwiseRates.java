package dev.halfstep.examples;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.List;

/**
 * Fine-tunes a network that knows the digits to tell even digits from odd ones, from 200 samples:
 * its lower layers, whose features serve as they are, learn slower than its new last one.
 */
public final class LayerwiseRates {
  private LayerwiseRates() {}

  private static Model network(int classes) {
    return Model.of(
        Shape.of(28, 28, 1),
        Sequential.of(
            new Flatten(),
            new Linear(128),
            new ReLU(),
            new Linear(64),
            new ReLU(),
            new Linear(classes)));
  }

  /** The same images with another label: 1 where the digit is even, otherwise 0. */
  private static Dataset evenOrOdd(Dataset digits) {
    int[] labels = digits.labels();
    for (int i = 0; i < labels.length; i++) {
      labels[i] = 1 - labels[i] % 2;
    }
    return ArrayDataset.of(
        "even or odd",
        Features.of(digits.toFloats(0, digits.size()), digits.sampleShape()),
        Labels.of(labels, 2));
  }

  /** Prints the test accuracy of a network that begins anew, and of fine-tuned ones. */
  public static void main(String[] args) {
    Split digits = Digits.generate(4000, 1000, 0);
    Model known = network(10);
    Trainer.builder(known, digits.train()).optimizer(Optimizer.adamW(0.001)).epochs(3).fit();

    Split few = Digits.generate(200, 1000, 7); // others than those that are known
    Dataset train = evenOrOdd(few.train());
    Dataset test = evenOrOdd(few.heldOut());
    report("all layers anew", trainer(network(2), train, test).fit());
    report("fine-tuned, one rate", trainer(knowing(known), train, test).fit());
    report(
        "fine-tuned, layer-wise rates",
        trainer(knowing(known), train, test)
            .groups(
                ParameterGroup.of("1.*").withRate(0.01), // the first layer
                ParameterGroup.of("3.*").withRate(0.1)) // the second; the third has the whole rate
            .fit());
  }

  /** A network for the new task with the lower layers of one that knows another. */
  private static Model knowing(Model known) {
    Model model = network(2).initialize(1); // the last layer stays as it is drawn here
    for (String name : List.of("1.weight", "1.bias", "3.weight", "3.bias")) {
      model.set(name, known.get(name));
    }
    return model;
  }

  private static TrainerBuilder trainer(Model model, Dataset train, Dataset test) {
    return Trainer.builder(model, train)
        .test(test)
        .optimizer(Optimizer.adamW(0.003))
        .batchSize(20)
        .epochs(10)
        .seed(1);
  }

  private static void report(String what, History history) {
    System.out.printf(
        "%s: test accuracy %.1f %%%n", what, 100 * history.test().orElseThrow().accuracy());
  }
}
