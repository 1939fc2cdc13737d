package dev.halfstep.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** Four threads of the host update at once. */
class ThreadsTest {
  private static final int THREADS = 4;
  private static final int UPDATES = 200;
  private static final int MANY_UPDATES = 5000; // enough for two threads to meet in one
  private static final int COUNT = 5000;

  /** The weights of each thread's parameter after all updates. */
  private static List<float[]> inThreads(int threads, IntFunction<Optimizer> optimizers)
      throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<float[]>> tasks = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int number = i;
        tasks.add(() -> updated("p" + number, number, optimizers.apply(number)));
      }
      List<float[]> weights = new ArrayList<>();
      for (Future<float[]> done : pool.invokeAll(tasks)) {
        weights.add(done.get());
      }
      return weights;
    } finally {
      pool.shutdown();
    }
  }

  private static float[] updated(String id, int seed, Optimizer optimizer) {
    Random random = new Random(seed);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray weight = manager.create(Networks.normal(random, COUNT));
      for (int update = 0; update < UPDATES; update++) {
        try (NDArray gradient = manager.create(Networks.normal(random, COUNT))) {
          optimizer.update(id, weight, gradient);
        }
      }
      return weight.toFloatArray();
    }
  }

  private static void requireSameBits(List<float[]> expected, List<float[]> actual) {
    for (int i = 0; i < THREADS; i++) {
      assertArrayEquals(expected.get(i), actual.get(i), "thread " + i);
    }
  }

  @Test
  void eachWithItsOptimizer() throws Exception {
    IntFunction<Optimizer> own = number -> HalfstepOptimizer.adamW().build();
    requireSameBits(inThreads(1, own), inThreads(THREADS, own));
  }

  @Test
  void allWithOneOptimizer() throws Exception {
    IntFunction<Optimizer> own = number -> HalfstepOptimizer.lamb().build();
    Optimizer shared = HalfstepOptimizer.lamb().optConvention(Convention.PYTORCH).build();
    requireSameBits(
        inThreads(1, number -> HalfstepOptimizer.lamb().optConvention(Convention.PYTORCH).build()),
        inThreads(THREADS, number -> shared));
    requireSameBits(inThreads(1, own), inThreads(THREADS, own));
  }

  @Test
  void allOnOneParameter() throws Exception {
    Optimizer sgd = HalfstepOptimizer.sgd().optLearningRateTracker(Tracker.fixed(1)).build();
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray weight = manager.zeros(new Shape(COUNT));
      NDArray gradient = manager.ones(weight.getShape());
      CyclicBarrier begin = new CyclicBarrier(THREADS);
      List<Callable<Integer>> tasks = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        tasks.add(
            () -> {
              begin.await();
              for (int update = 0; update < MANY_UPDATES; update++) {
                sgd.update("p", weight, gradient);
              }
              return MANY_UPDATES;
            });
      }
      int updates = 0;
      for (Future<Integer> done : pool.invokeAll(tasks)) {
        updates += done.get();
      }
      for (float value : weight.toFloatArray()) {
        assertEquals(-updates, value);
      }
    } finally {
      pool.shutdown();
    }
  }
}
