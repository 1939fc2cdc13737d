package dev.halfstep.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.train.TestDevice;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("sim")
class PredictorTest {
  private static final int IN = 6 * 6 * 2;
  private static final int OUT = 3;

  private static Model network() {
    return Model.of(
            Shape.of(6, 6, 2),
            Sequential.of(
                new Conv2d(4, 3).padding(1),
                new BatchNorm(),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(40),
                new GELU(),
                new Linear(OUT)))
        .initialize(3);
  }

  private static Model ofTokens() {
    return Model.ofTokens(
            Shape.of(4),
            Sequential.of(
                new Embedding(9, 8).padding(0),
                new MultiHeadAttention(2, false),
                new LayerNorm(),
                new Flatten(),
                new Linear(2)))
        .initialize(1);
  }

  private static float[] drawn(int rows) {
    Random random = new Random(rows);
    float[] values = new float[rows * IN];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static FloatBuffer direct(int floats) {
    return ByteBuffer.allocateDirect(floats * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  /** The predictions that a single thread gets with these batch sizes. */
  private static float[] alone(Model model, Device device, int[] batchSizes, float[] x) {
    try (Predictor predictor =
        Predictor.builder(model).device(device).batchSizes(batchSizes).open()) {
      return predictor.predict(x);
    }
  }

  @Test
  void withOneBatchSizeARowsBitsDependOnTheRowAlone() {
    Model model = network();
    float[] x = drawn(77);
    try (Device device = TestDevice.open()) {
      for (int batchSize : new int[] {1, 3, 8, 64, 100}) {
        float[] expected = alone(model, device, new int[] {batchSize}, x);
        try (Predictor predictor =
            Predictor.builder(model).device(device).batchSizes(batchSize).open()) {
          for (int rows : new int[] {0, 1, 2, 5, 8, 9, 64, 65, 77}) {
            for (int first : new int[] {0, 1, 50}) {
              int end = Math.min(first + rows, 77);
              assertArrayEquals(
                  Arrays.copyOfRange(expected, first * OUT, end * OUT),
                  predictor.predict(Arrays.copyOfRange(x, first * IN, end * IN)),
                  first + " to " + end + " in batches of " + batchSize);
            }
          }
        }
      }
    }
  }

  @Test
  void rowsAreComputedInTheSmallestBatchThatHoldsThem() {
    Model model = network();
    float[] x = drawn(77);
    try (Device device = TestDevice.open();
        Predictor predictor =
            Predictor.builder(model).device(device).batchSizes(64, 1, 8, 8).open()) {
      for (int[] rowsAndBatches :
          new int[][] {{1, 1}, {2, 8}, {8, 8}, {9, 64}, {64, 64}, {65, 64, 1}, {77, 64, 64}}) {
        int rows = rowsAndBatches[0];
        float[] expected = new float[rows * OUT];
        int from = 0;
        for (int batch : Arrays.copyOfRange(rowsAndBatches, 1, rowsAndBatches.length)) {
          int to = Math.min(rows, from + batch);
          float[] part = Arrays.copyOfRange(x, from * IN, to * IN);
          float[] said = alone(model, device, new int[] {batch}, part);
          System.arraycopy(said, 0, expected, from * OUT, said.length);
          from = to;
        }
        assertArrayEquals(expected, predictor.predict(Arrays.copyOf(x, rows * IN)), rows + " rows");
      }
    }
  }

  @Test
  void aModelsOwnPredictionIsThatOfAPredictorWithItsBatchSizes() {
    Model model = network();
    try (Predictor predictor =
        Predictor.builder(model).batchSizes(1, 2, 4, 8, 16, 32, 64, 128, 256).open()) {
      for (int rows : new int[] {1, 3, 77, 300}) {
        assertArrayEquals(model.predict(drawn(rows)), predictor.predict(drawn(rows)));
      }
    }
  }

  @Test
  void arraysAndBuffersGetTheSame() {
    Model model = network();
    int rows = 21;
    float[] x = drawn(rows);
    FloatBuffer samples = direct(x.length + 5).position(5);
    samples.put(x).position(5);
    FloatBuffer result = direct(rows * OUT + 2).position(2);
    try (Device device = TestDevice.open();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(2, 8).open()) {
      float[] expected = predictor.predict(x);
      float[] array = new float[rows * OUT];
      predictor.predict(x, array);
      assertArrayEquals(expected, array);
      predictor.predict(samples, result);
      assertEquals(2, result.position());
      assertEquals(5, samples.position());
      result.get(array);
      assertArrayEquals(expected, array);
      result.position(1);
      assertThrows(IllegalArgumentException.class, () -> predictor.predict(samples, result));
      assertThrows(IllegalArgumentException.class, () -> predictor.predict(x, new float[7]));
      FloatBuffer heap = FloatBuffer.wrap(x);
      assertThrows(
          IllegalArgumentException.class, () -> predictor.predict(heap, result.position(2)));
      FloatBuffer readOnly = result.position(2).asReadOnlyBuffer();
      assertThrows(IllegalArgumentException.class, () -> predictor.predict(samples, readOnly));
      assertThrows(IllegalArgumentException.class, () -> predictor.predict(new int[IN]));
      assertThrows(IllegalArgumentException.class, () -> predictor.predict(new float[IN + 1]));
      assertArrayEquals(expected, predictor.predict(x));
    }
  }

  @Test
  void tokensGoTheSameWays() {
    Model model = ofTokens();
    int[] tokens = new int[4 * 11];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = i * 5 % 9;
    }
    IntBuffer buffer =
        ByteBuffer.allocateDirect(tokens.length * Integer.BYTES)
            .order(ByteOrder.nativeOrder())
            .asIntBuffer()
            .put(tokens)
            .rewind();
    FloatBuffer result = direct(22);
    try (Device device = TestDevice.open();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(1, 4).open()) {
      float[] expected = predictor.predict(tokens);
      assertArrayEquals(model.predict(tokens), expected, 1e-5f);
      predictor.predict(buffer, result);
      float[] array = new float[22];
      result.get(array);
      assertArrayEquals(expected, array);
      tokens[43] = 9;
      assertThrows(IllegalArgumentException.class, () -> predictor.predict(tokens, array));
      assertThrows(
          IllegalArgumentException.class,
          () -> predictor.predict(buffer.put(43, -1), result.rewind()));
    }
  }

  @Test
  void rowsThatAnEarlierCallLeftAreNoErrorOfALaterOne() {
    Layer first =
        (scope, x) ->
            scope.apply("e", new Embedding(5, 2), dev.halfstep.graph.Ops.split(x, 1, 1, 1).get(0));
    Model model = Model.ofTokens(Shape.of(2), first).initialize(1);
    try (Device device = TestDevice.open();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(4).open()) {
      float[] known = predictor.predict(new int[] {3, 7});
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> predictor.predict(new int[] {1, 0, 1, 0, 1, 0, 7, 0}))
              .getMessage();
      assertTrue(message.contains("rows 0 to 3 was outside an embedding's table"), message);
      assertArrayEquals(known, predictor.predict(new int[] {3, 7}));
    }
  }

  @Test
  void manyThreadsGetTheBitsOfOne() throws Exception {
    int callers = 8;
    int calls = TestDevice.ID.equals("cpu") ? 150 : 10;
    Model model = network();
    float[] x = drawn(70);
    try (Device device = TestDevice.open()) {
      int[] sizes = {1, 8, 64};
      float[][] expected = new float[71][];
      try (Predictor single = Predictor.builder(model).device(device).batchSizes(sizes).open()) {
        for (int rows = 0; rows <= 70; rows++) {
          expected[rows] = single.predict(Arrays.copyOf(x, rows * IN));
        }
      }
      for (int threads : new int[] {1, 4, 8}) {
        try (Predictor predictor =
            Predictor.builder(model).device(device).batchSizes(sizes).threads(threads).open()) {
          assertEquals(threads, predictor.threads());
          inParallel(
              callers,
              caller -> {
                Random random = new Random(caller);
                for (int i = 0; i < calls; i++) {
                  int rows = random.nextInt(5) == 0 ? 66 + random.nextInt(5) : random.nextInt(12);
                  assertArrayEquals(expected[rows], predictor.predict(Arrays.copyOf(x, rows * IN)));
                }
              });
        }
      }
    }
  }

  private interface Task {
    void run(int caller) throws Exception;
  }

  private static void inParallel(int callers, Task task) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(callers);
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        int caller = i;
        futures.add(
            pool.submit(
                () -> {
                  task.run(caller);
                  return null;
                }));
      }
      for (Future<?> future : futures) {
        future.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void closingWaitsForCallsInProgressAndEndsTheOthers() throws Exception {
    Model model = network();
    float[] x = drawn(70);
    try (Device device = TestDevice.open()) {
      float[] expected = alone(model, device, new int[] {1, 16}, x);
      for (int round = 0; round < 5; round++) {
        Predictor predictor =
            Predictor.builder(model).device(device).batchSizes(1, 16).threads(2).open();
        CountDownLatch running = new CountDownLatch(4);
        AtomicInteger refused = new AtomicInteger();
        inParallel(
            6,
            caller -> {
              if (caller >= 4) { // two close at the same time
                running.await();
                predictor.close();
                return;
              }
              try {
                while (true) {
                  assertArrayEquals(expected, predictor.predict(x));
                  running.countDown();
                }
              } catch (IllegalStateException e) {
                assertTrue(e.getMessage().contains("the predictor is closed"), e.getMessage());
                refused.incrementAndGet();
              }
            });
        assertEquals(4, refused.get());
        predictor.close();
        assertThrows(IllegalStateException.class, () -> predictor.predict(x));
        assertThrows(IllegalStateException.class, () -> predictor.plan(1));
      }
      assertEquals(0, device.info().memoryUsed());
    }
  }

  @Test
  void memoryIsThatOfTheDevice() {
    Model model = network();
    try (Device device = TestDevice.open()) {
      long one;
      try (Predictor predictor = Predictor.builder(model).device(device).open()) {
        one = predictor.bytes();
        assertEquals(List.of(1, 8, 64), predictor.batchSizes());
        long tensors = predictor.bytes();
        long used = device.info().memoryUsed();
        assertTrue(used >= tensors && used < 2 * tensors + 100_000, used + ", " + tensors);
        assertThrows(IllegalArgumentException.class, () -> predictor.plan(2));
        assertTrue(predictor.plan(8).arenaBytes() > predictor.plan(1).arenaBytes());
      }
      try (Predictor predictor = Predictor.builder(model).device(device).threads(3).open()) {
        long weights = 4 * model.parameters().arenaSize();
        assertEquals(weights + 3 * (one - weights), predictor.bytes());
      }
      assertEquals(0, device.info().memoryUsed());
    }
    assertThrows(IllegalArgumentException.class, () -> Predictor.builder(model).batchSizes());
    assertThrows(IllegalArgumentException.class, () -> Predictor.builder(model).batchSizes(4, 0));
    assertThrows(IllegalArgumentException.class, () -> Predictor.builder(model).threads(0));
    Model empty = Model.of(Shape.of(2), new Linear(2));
    assertThrows(IllegalStateException.class, () -> Predictor.builder(empty).open());
  }

  @Test
  void aCallIntoMemoryThatIsThereAllocatesNothing() {
    var bean = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    float[] x = drawn(21);
    float[] result = new float[21 * OUT];
    FloatBuffer samples = direct(x.length).put(x).rewind();
    FloatBuffer into = direct(result.length);
    int calls = TestDevice.ID.equals("cpu") ? 20_000 : 50;
    try (Predictor predictor = Predictor.builder(network()).batchSizes(1, 8).threads(2).open()) {
      long allocated = Long.MAX_VALUE;
      for (int round = 0; round < 10 && allocated > calls; round++) {
        long before = bean.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < calls / 10; i++) {
          predictor.predict(x, result);
          predictor.predict(samples, into);
        }
        allocated = bean.getCurrentThreadAllocatedBytes() - before;
      }
      // The smallest object has 16 bytes; a tenth of one per call is allowed for the compiler.
      assertTrue(allocated <= 16L * calls / 100, allocated + " bytes in " + calls / 10 + " rounds");
    }
  }

  @Test
  void aPredictorWithoutADeviceOpensTheCpu() throws Exception {
    Model model = network();
    float[] x = drawn(9);
    float[] expected;
    try (Device device = Device.cpu()) {
      expected = alone(model, device, new int[] {1, 8, 64}, x);
    }
    Predictor predictor = Predictor.builder(model).open();
    float[][] said = new float[1][];
    Thread other = new Thread(() -> said[0] = predictor.predict(x));
    other.start();
    other.join();
    assertArrayEquals(expected, said[0]);
    Thread closer = new Thread(predictor::close);
    closer.start();
    closer.join();
    assertThrows(IllegalStateException.class, () -> predictor.predict(x));
  }
}
