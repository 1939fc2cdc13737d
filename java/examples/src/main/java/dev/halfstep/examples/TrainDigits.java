package dev.halfstep.examples;

import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;

/** Trains a network on drawn digits: the program of the README. */
public final class TrainDigits {
  private TrainDigits() {}

  /**
   * Prints the test accuracy.
   *
   * @param args the number of epochs; 5 if there is none
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 5;
    Split digits = Digits.generate(0); // [samples, 28, 28, 1], drawn by code: no file is needed
    Split parts = digits.train().split(0.1, 1); // a tenth of each digit, drawn by seed 1
    Model model =
        Model.of(
            digits.train().sampleShape(),
            Sequential.of(new Flatten(), new Linear(128), new ReLU(), new Linear(10)));
    History history =
        Trainer.builder(model, parts.train())
            .validation(parts.heldOut())
            .test(digits.heldOut())
            .optimizer(Optimizer.adamW(0.001))
            .batchSize(64)
            .epochs(epochs)
            .seed(1)
            .fit(); // on a GPU if there is one, otherwise on the CPU
    System.out.printf("test accuracy %.1f %%%n", 100 * history.test().orElseThrow().accuracy());
    float[] scores = model.predict(new float[28 * 28]); // [1, 10]
    System.out.println(scores.length + " scores for an empty image");
  }
}
