package dev.halfstep.benchmarks;

import dev.halfstep.Device;
import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.kernel.MatmulKernel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Several Java threads that call a kernel on arrays of their own at once: 64 products of 128 x 128
 * each. All share the process's one pool.
 */
final class Callers implements Contender.Kernel {
  private static final int SIZE = 128;
  private static final int CALLS = 64;

  private final Device device;
  private final ExecutorService threads;
  private final List<float[]> results = new ArrayList<>();
  private final float[] a = Inputs.normal(SIZE * SIZE, 1);
  private final float[] b = Inputs.normal(SIZE * SIZE, 2);
  private final MatmulKernel matmul = MatmulKernel.builder(SIZE, SIZE, SIZE).build();

  Callers(Device device, int count) {
    this.device = device;
    this.threads = Executors.newFixedThreadPool(count);
    for (int i = 0; i < count; i++) {
      results.add(new float[SIZE * SIZE]);
    }
  }

  @Override
  public void run() {
    List<Future<?>> running = new ArrayList<>();
    for (float[] c : results) {
      running.add(
          threads.submit(
              () -> {
                for (int i = 0; i < CALLS; i++) {
                  matmul.run(a, b, c);
                }
              }));
    }
    try {
      for (Future<?> one : running) {
        one.get();
      }
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("a caller failed", e);
    }
  }

  @Override
  public float[] result() {
    return results.get(results.size() - 1);
  }

  @Override
  public void close() {
    threads.shutdown();
    device.close();
  }
}
