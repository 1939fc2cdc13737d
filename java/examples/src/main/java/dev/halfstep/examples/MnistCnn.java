package dev.halfstep.examples;

import dev.halfstep.data.Digits;
import dev.halfstep.data.Mnist;
import dev.halfstep.data.Split;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Conv2d;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.MaxPool2d;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.report.CurvesFigure;
import dev.halfstep.report.Report;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.train.Callback;
import dev.halfstep.train.EarlyStopping;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A convolutional network on handwritten digits, with all that belongs to such a run: validation,
 * early stopping, a learning rate that falls on a plateau, the best weights, a test, a report and
 * the curves.
 */
public final class MnistCnn {
  private MnistCnn() {}

  /**
   * Trains and tests.
   *
   * @param args a folder with MNIST's files, or "digits" for drawn ones (the default); the seed
   *     (1); the most epochs (30); the folder for report and curves (the current one)
   */
  public static void main(String[] args) throws IOException {
    boolean drawn = args.length == 0 || args[0].equals("digits");
    Split data = drawn ? Digits.generate(0) : Mnist.load(Path.of(args[0]));
    long seed = args.length > 1 ? Long.parseLong(args[1]) : 1;
    int epochs = args.length > 2 ? Integer.parseInt(args[2]) : 30;
    Path folder = Path.of(args.length > 3 ? args[3] : ".");

    Split parts = data.train().split(0.1, 1);
    Model model =
        Model.of(
            data.train().sampleShape(), // [28, 28, 1]: height, width, channels
            Sequential.of(
                new Conv2d(32, 3).padding(1), // [28, 28, 32]
                new ReLU(),
                new MaxPool2d(2), // [14, 14, 32]
                new Conv2d(64, 3).padding(1), // [14, 14, 64]
                new ReLU(),
                new MaxPool2d(2), // [7, 7, 64]
                new Flatten(), // [3136]
                new Linear(128),
                new ReLU(),
                new Linear(10)));
    Trainer trainer =
        Trainer.builder(model, parts.train())
            .validation(parts.heldOut())
            .test(data.heldOut())
            .optimizer(Optimizer.adam(0.001))
            .plateau(Plateau.of(Metric.VAL_LOSS, 0.5, 3))
            .earlyStopping(EarlyStopping.on(Metric.VAL_LOSS, 5))
            .batchSize(64)
            .epochs(epochs)
            .seed(seed)
            .callbacks(new PrintEpochs())
            .build();
    History history = trainer.fit();

    System.out.println(history.stopReason().text());
    System.out.printf(
        "weights of epoch %d, test accuracy %.2f %%, %.1f s%n",
        history.bestEpoch(), 100 * history.test().orElseThrow().accuracy(), history.seconds());
    Report report = Report.of(trainer, history);
    report.write(folder.resolve("report.json"));
    CurvesFigure.of(report, history).writePng(folder.resolve("training_curves.png"));
  }

  private static final class PrintEpochs implements Callback {
    @Override
    public void epochEnd(Fit fit, EpochRecord epoch) {
      Metrics validation = epoch.validation().orElseThrow();
      System.out.printf(
          "epoch %2d  train %.4f  validation %.4f (%.2f %%)  learning rate %.2g  %.0f images/s%n",
          epoch.epoch(),
          epoch.train().loss(),
          validation.loss(),
          100 * validation.accuracy(),
          epoch.learningRate(),
          epoch.samplesPerSecond());
    }
  }
}
