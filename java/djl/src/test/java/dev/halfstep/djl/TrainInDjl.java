package dev.halfstep.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Mnist;
import dev.halfstep.data.Split;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * An example: trains a network of DJL on handwritten digits with Halfstep's AdamW. The argument is
 * a folder with MNIST's files; without one, drawn digits are taken.
 */
final class TrainInDjl {
  private static final int PIXELS = 28 * 28;

  private TrainInDjl() {}

  public static void main(String[] arguments) throws Exception {
    Split digits =
        arguments.length > 0 ? Mnist.load(Path.of(arguments[0])) : Digits.generate(4000, 1000, 1);
    Optimizer adamW =
        HalfstepOptimizer.adamW() // instead of Optimizer.adamW()
            .optLearningRateTracker(Tracker.fixed(0.002f))
            .optWeightDecays(0.01f)
            .build();
    System.out.printf(
        Locale.ROOT, "%.1f %% of the test images%n", 100 * accuracy(digits, adamW, 3));
  }

  /** Trains with batches of 64, and gives the share of test images that are classified rightly. */
  static double accuracy(Split digits, Optimizer optimizer, int epochs)
      throws IOException, TranslateException {
    try (Model model = Model.newInstance("digits", "PyTorch");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      model.setBlock(
          new SequentialBlock()
              .add(Linear.builder().setUnits(128).build())
              .add(Activation.reluBlock())
              .add(Linear.builder().setUnits(10).build()));
      ArrayDataset train =
          new ArrayDataset.Builder()
              .setData(images(manager, digits.train()))
              .optLabels(labels(manager, digits.train()))
              .setSampling(64, true)
              .build();
      DefaultTrainingConfig config =
          new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(optimizer);
      try (Trainer trainer = model.newTrainer(config)) {
        trainer.initialize(new Shape(1, PIXELS));
        for (int epoch = 0; epoch < epochs; epoch++) {
          for (Batch batch : trainer.iterateDataset(train)) {
            EasyTrain.trainBatch(trainer, batch);
            trainer.step(); // updates all parameters
            batch.close();
          }
        }
        NDArray logits =
            trainer.evaluate(new NDList(images(manager, digits.heldOut()))).singletonOrThrow();
        NDArray right = logits.argMax(1).eq(labels(manager, digits.heldOut()));
        return right.toType(DataType.FLOAT32, false).mean().getFloat();
      }
    }
  }

  private static NDArray images(NDManager manager, Dataset data) {
    return manager.create(data.toFloats(0, data.size()), new Shape(data.size(), PIXELS));
  }

  private static NDArray labels(NDManager manager, Dataset data) {
    int[] labels = data.labels();
    long[] longs = new long[labels.length];
    for (int i = 0; i < longs.length; i++) {
      longs[i] = labels[i];
    }
    return manager.create(longs);
  }
}
