package dev.halfstep.examples;

import dev.halfstep.DType;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.MemoryUse;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.List;

/**
 * The same training in FP32, BF16 and FP16, its batch of 256 made of micro-batches of 64: less
 * memory for activations, the same updates but for rounding.
 */
public final class MixedPrecision {
  private MixedPrecision() {}

  /**
   * Prints memory and test accuracy of each storage type.
   *
   * @param args the number of epochs; 3 if there is none
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 3;
    Split digits = Digits.generate(0);
    for (DType storage : List.of(DType.F32, DType.BF16, DType.F16)) {
      Model model =
          Model.of(
              digits.train().sampleShape(),
              Sequential.of(new Flatten(), new Linear(256), new ReLU(), new Linear(10)));
      TrainerBuilder trainer =
          Trainer.builder(model, digits.train())
              .test(digits.heldOut())
              .optimizer(Optimizer.adamW(0.002))
              .batchSize(256) // of an update
              .session(options -> options.storage(storage).microBatch(64)) // at once
              .epochs(epochs)
              .seed(1);
      MemoryUse memory = trainer.build().plan().memory();
      double accuracy = trainer.fit().test().orElseThrow().accuracy();
      System.out.printf(
          "%-4s  weights in that type %,9d bytes, activations %,9d bytes, test accuracy %.1f %%%n",
          storage, memory.copies(), memory.activations(), 100 * accuracy);
    }
    System.out.println(
        "Master weights, gradients and moments are FP32 in all. FP16 scales its loss by itself, and"
            + " skips an update whose gradients overflow.");
  }
}
