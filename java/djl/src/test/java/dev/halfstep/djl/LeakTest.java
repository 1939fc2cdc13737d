package dev.halfstep.djl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The memory of the process does not grow with the number of updates. A tensor that is left behind
 * once in an update would make it grow by 1.6 GB here.
 */
class LeakTest {
  private static final int UPDATES = 100_000;
  private static final Shape SHAPE = new Shape(64, 64);
  private static final long BOUND = 200 << 20; // Java's heap may grow and shrink

  @Test
  void aHundredThousandUpdates() throws IOException {
    Optimizer[] optimizers = {
      HalfstepOptimizer.adamW().build(),
      HalfstepOptimizer.lamb().setRescaleGrad(0.5f).optClipGrad(1).build(),
      HalfstepOptimizer.sgd()
          .optMomentum(0.9f)
          .optLearningRateTracker((Tracker) t -> 1e-3f / t) // a new kernel for each rate
          .build()
    };
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray weight = manager.ones(SHAPE);
      NDArray gradient = manager.full(SHAPE, 1e-3f);
      NDArray transposed = gradient.transpose();
      int arrays = manager.getManagedArrays().size();
      update(optimizers, weight, gradient, transposed, UPDATES / 4);
      long before = resident();
      update(optimizers, weight, gradient, transposed, UPDATES);
      long grown = resident() - before;
      assertTrue(grown < BOUND, "grown by " + (grown >> 20) + " MiB");
      assertEquals(arrays, manager.getManagedArrays().size(), "arrays left behind");
      assertTrue(!weight.isNaN().any().getBoolean());
    }
  }

  /** As many updates as said in all, every eighth of them with a gradient in another order. */
  private static void update(
      Optimizer[] optimizers, NDArray weight, NDArray gradient, NDArray transposed, int updates) {
    for (int i = 0; i < updates; i++) {
      Optimizer optimizer = optimizers[i % optimizers.length];
      optimizer.update("w", weight, i % 8 == 0 ? transposed : gradient);
    }
  }

  /** Optimizers, and the moments of their parameters, go with the last reference to them. */
  @Test
  void aThousandOptimizers() throws IOException {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray weight = manager.ones(new Shape(100_000));
      NDArray gradient = manager.full(weight.getShape(), 1e-3f);
      long before = resident();
      for (int i = 0; i < 1000; i++) { // 800 MB of moments
        HalfstepOptimizer.adamW().build().update("w", weight, gradient);
        if (i % 100 == 0) {
          System.gc();
        }
      }
      long grown = resident() - before;
      assertTrue(grown < BOUND, "grown by " + (grown >> 20) + " MiB");
    }
  }

  private static long resident() throws IOException {
    System.gc();
    String pages = Files.readString(Path.of("/proc/self/statm")).split(" ", -1)[1];
    return Long.parseLong(pages) * 4096;
  }
}
