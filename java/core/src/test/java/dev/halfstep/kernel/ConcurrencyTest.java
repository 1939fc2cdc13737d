package dev.halfstep.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.halfstep.DType;
import dev.halfstep.Device;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Four threads call kernels at the same time, as the workers of another library would. */
@Timeout(120)
class ConcurrencyTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 50;
  private static final int M = 65;
  private static final int N = 130;
  private static final int K = 70;
  private static final MatmulKernel PRODUCT = MatmulKernel.builder(M, N, K).build();

  /**
   * The computation of one thread; it allocates new arrays in each round, so that the garbage
   * collector runs while arrays are pinned.
   */
  private static float[] work(int seed, boolean buffers) {
    float[] a = Values.wave(M * K, seed);
    float[] b = Values.wave(K * N, seed + 1);
    float[] c = new float[M * N];
    for (int round = 0; round < ROUNDS; round++) {
      if (buffers) {
        FloatBuffer result = Values.direct(c);
        PRODUCT.run(Values.direct(a), Values.direct(b), result);
        c = Values.array(result);
      } else {
        PRODUCT.run(a, b, c);
      }
      float[] activated = new float[c.length];
      ActivationKernel.of(Activation.TANH, DType.F32, c.length).run(c, activated);
      a = Arrays.copyOf(activated, M * K);
    }
    return c;
  }

  private static void assertSameAsAlone(boolean buffers) throws Exception {
    List<float[]> alone = new ArrayList<>();
    List<Callable<float[]>> tasks = new ArrayList<>();
    for (int seed = 0; seed < THREADS; seed++) {
      int own = seed;
      alone.add(work(own, false));
      tasks.add(() -> work(own, buffers));
    }
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<float[]>> results = pool.invokeAll(tasks);
      for (int i = 0; i < THREADS; i++) {
        assertArrayEquals(alone.get(i), results.get(i).get());
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void fourThreadsOnArraysGetTheBitsThatOneGets() throws Exception {
    assertSameAsAlone(false);
  }

  @Test
  void fourThreadsOnBuffersGetTheBitsThatOneGets() throws Exception {
    assertSameAsAlone(true);
  }

  @Test
  void theNumberOfThreadsInThePoolDoesNotChangeTheBits() {
    int before = Device.threads();
    try {
      Device.threads(1);
      float[] one = work(1, false);
      Device.threads(3);
      assertArrayEquals(one, work(1, false));
    } finally {
      Device.threads(before);
    }
  }
}
