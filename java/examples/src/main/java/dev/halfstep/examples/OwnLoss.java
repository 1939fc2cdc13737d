package dev.halfstep.examples;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Features;
import dev.halfstep.data.Split;
import dev.halfstep.data.Values;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.util.Random;

/**
 * Losses of one's own, written as functions over values: their gradients are derived.
 *
 * <ul>
 *   <li>Huber's loss (1964) is a square near 0 and straight beyond: a few wild measurements do not
 *       spoil a line that is fitted to all of them, as they do with squared errors.
 *   <li>The focal loss (Lin et al., 2017), (1 - p)^2 times the cross-entropy, where p is the
 *       probability of the right class, looks away from samples that are easy.
 * </ul>
 */
public final class OwnLoss {
  private static final int POINTS = 512;

  private OwnLoss() {}

  /** 0.5 d^2 for distances d up to 1, d - 0.5 beyond. */
  static final Loss HUBER =
      Loss.of(
          "Huber",
          (output, target) -> {
            Value distance = Ops.abs(Ops.subtract(output, target));
            Value near = Ops.minimum(distance, Ops.constant(output.graph(), 1));
            return Ops.multiply(near, Ops.subtract(distance, Ops.scale(near, 0.5f)));
          });

  /** (1 - p)^2 times -log p. */
  static final Loss FOCAL =
      Loss.ofLabels(
          "focal",
          (logits, labels) -> {
            Value crossEntropy = Ops.crossEntropyRows(logits, labels); // -log p
            Value right = Ops.exp(Ops.scale(crossEntropy, -1)); // p
            Value wrong = Ops.subtract(Ops.constant(right.graph(), 1, right.shape()), right);
            return Ops.multiply(Ops.multiply(wrong, wrong), crossEntropy);
          });

  /**
   * Prints the slopes that both losses of values find, and what is right of the digits held out.
   *
   * @param args the number of epochs for the digits, 3 if it is not given
   */
  public static void main(String[] args) {
    Dataset points = line();
    System.out.printf(
        "the slope is 2; squared errors say %.2f%n", slope(points, Loss.meanSquaredError()));
    System.out.printf("the slope is 2; Huber's loss says %.2f%n", slope(points, HUBER));

    Split digits = Digits.generate(0);
    Split parts = digits.train().split(0.1, 1);
    Model model =
        Model.of(
            digits.train().sampleShape(),
            Sequential.of(new Flatten(), new Linear(128), new ReLU(), new Linear(10)));
    History history =
        Trainer.builder(model, parts.train())
            .validation(parts.heldOut())
            .loss(FOCAL)
            .monitor(Metric.VAL_F1) // no loss of one's own counts what is right: F1 does
            .optimizer(Optimizer.adamW(0.001))
            .batchSize(64)
            .epochs(args.length > 0 ? Integer.parseInt(args[0]) : 3)
            .seed(1)
            .fit();
    Confusion confusion = history.epochs().get(history.bestEpoch() - 1).confusion().orElseThrow();
    System.out.printf("focal loss: F1 %.3f of the digits held out%n", confusion.f1());
  }

  /** y = 2 x and a little noise, but every 16th y is off by far, and more so for large x. */
  private static Dataset line() {
    Random random = new Random(1);
    float[][] x = new float[POINTS][1];
    float[][] y = new float[POINTS][1];
    for (int i = 0; i < POINTS; i++) {
      x[i][0] = (float) random.nextGaussian();
      y[i][0] = 2 * x[i][0] + 0.1f * (float) random.nextGaussian();
      if (i % 16 == 0) {
        y[i][0] -= 20 * x[i][0];
      }
    }
    return ArrayDataset.of("a line", Features.of(x), Values.of(y));
  }

  private static float slope(Dataset points, Loss loss) {
    Model model = Model.of(Shape.of(1), new Linear(1)).initialize(1);
    Trainer.builder(model, points)
        .loss(loss)
        .optimizer(Optimizer.adam(0.05))
        .batchSize(64)
        .epochs(40)
        .seed(1)
        .fit();
    return model.get("weight")[0];
  }
}
