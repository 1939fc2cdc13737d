package dev.halfstep.examples;

import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.EarlyStopping;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;

/** A metric of one's own: how often the right digit is among the model's first two guesses. */
public final class OwnMetric {
  private OwnMetric() {}

  /**
   * The share of samples of which at most one other class has a larger logit than the right one.
   *
   * @param outputs logits {@code [samples, classes]}
   */
  static double topTwo(float[] outputs, Dataset data) {
    int classes = data.classes();
    int right = 0;
    for (int sample = 0; sample < data.size(); sample++) {
      float own = outputs[sample * classes + data.label(sample)];
      int larger = 0;
      for (int c = 0; c < classes; c++) {
        larger += outputs[sample * classes + c] > own ? 1 : 0;
      }
      right += larger <= 1 ? 1 : 0;
    }
    return (double) right / data.size();
  }

  /**
   * Prints accuracy and metric after each epoch, and which epoch was the best by it.
   *
   * @param args the most epochs; 10 if there is none
   */
  public static void main(String[] args) {
    Metric topTwo = Metric.of("val_top_two", true, OwnMetric::topTwo);
    Split digits = Digits.generate(3000, 1000, 0);
    Model model =
        Model.of(
            digits.train().sampleShape(),
            Sequential.of(new Flatten(), new Linear(64), new ReLU(), new Linear(10)));
    History history =
        Trainer.builder(model, digits.train())
            .validation(digits.heldOut())
            .optimizer(Optimizer.adamW(0.001))
            .batchSize(32)
            .epochs(args.length > 0 ? Integer.parseInt(args[0]) : 10)
            .seed(1)
            .earlyStopping(EarlyStopping.on(topTwo, 3)) // which chooses the best epoch by it too
            .fit();
    for (EpochRecord epoch : history.epochs()) {
      System.out.printf(
          "epoch %d: accuracy %.1f %%, top two %.1f %%%n",
          epoch.epoch(), 100 * epoch.validation().orElseThrow().accuracy(), 100 * topTwo.of(epoch));
    }
    System.out.println("the best epoch by it: " + history.bestEpoch());
  }
}
