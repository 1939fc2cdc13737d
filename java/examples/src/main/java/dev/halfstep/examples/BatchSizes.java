package dev.halfstep.examples;

import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.study.BatchSizeStudy;
import dev.halfstep.train.Trainer;

/**
 * One network, 1000-100-2, on the same 1,024 samples with eight batch sizes: how many updates each
 * makes of the same epochs, how long they take, and what comes of them. The learning rate is the
 * same for all: what {@code .scaling(LearningRateScaling.LINEAR, 32)} would change is worth a run.
 */
public final class BatchSizes {
  private BatchSizes() {}

  /**
   * Prints a table with a row for each batch size.
   *
   * @param args epochs of each run (20); runs of each batch size, with different seeds (3);
   *     "random" for labels that are drawn by lot
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 20;
    int seeds = args.length > 1 ? Integer.parseInt(args[1]) : 3;
    boolean random = args.length > 2 && args[2].equals("random");

    Split data = random ? RandomData.unlearnable(0) : RandomData.learnable(0);
    Sequential network = Sequential.of(new Linear(100), new ReLU(), new Linear(2));
    BatchSizeStudy.Result result =
        BatchSizeStudy.ofEpochs(epochs, 1, 8, 16, 32, 64, 128, 256, 1024)
            .withSeeds(seeds)
            .run(
                seed ->
                    Trainer.builder(Model.of(data.train().sampleShape(), network), data.train())
                        .test(data.heldOut())
                        .optimizer(Optimizer.sgd(0.01))
                        .seed(seed));
    System.out.print(result);
    System.out.println(
        random
            ? "The labels were drawn by lot. What the network learned of them it learned by heart:"
                + " on new samples the honest accuracy is about 50 %."
            : "The best rule there is would be right for 97.7 %. At equal epochs and at one rate a"
                + " larger batch makes fewer updates: its rate would have to be higher, or its run"
                + " longer.");
  }
}
