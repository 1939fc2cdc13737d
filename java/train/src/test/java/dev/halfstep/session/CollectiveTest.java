package dev.halfstep.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import dev.halfstep.data.Dataset;
import dev.halfstep.nn.Dropout;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.SmallTask;
import dev.halfstep.train.TestDevice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Workers that train together make the same updates as one session with their combined batch. */
@Tag("sim")
class CollectiveTest {
  private static final SmallTask TASK = new SmallTask(120, true);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void close() {
    threads.shutdownNow();
  }

  /** Runs each worker in a thread; returns their results by rank. */
  private <T> List<T> together(List<Collective> workers, Function<Collective, T> work) {
    List<CompletableFuture<T>> results = new ArrayList<>();
    for (Collective worker : workers) {
      results.add(CompletableFuture.supplyAsync(() -> work.apply(worker), threads));
    }
    return results.stream().map(CompletableFuture::join).toList();
  }

  private static final class Result {
    float[] weights = {};
    float[] last = {};
    final List<Double> losses = new ArrayList<>();
    final List<Double> norms = new ArrayList<>();
  }

  private static Result train(SessionBuilder options, Dataset data, int steps) {
    try (TrainingSession session = options.device(TestDevice.ID).open()) {
      session.data(data);
      session.order(IntStream.range(0, data.size()).toArray());
      session.run(steps);
      Result result = new Result();
      StepBlock block = session.drain();
      for (int i = 0; i < block.size(); i++) {
        result.losses.add(block.loss(i));
        result.norms.add((double) block.gradientNorm(i));
      }
      result.weights = session.weights();
      result.last = session.gradients();
      return result;
    }
  }

  /** The samples of one worker: its part of each combined batch. */
  private static Dataset part(Collective worker, int batch) {
    int[] mine =
        IntStream.range(0, TASK.data.size())
            .filter(i -> i / batch % worker.size() == worker.rank())
            .toArray();
    return TASK.data.subset(mine);
  }

  @ParameterizedTest
  @CsvSource({"1, 12, 12", "2, 12, 12", "3, 8, 8", "2, 12, 5", "4, 6, 1"})
  void theirUpdatesAreThoseOfTheWholeBatch(int size, int batch, int microBatch) {
    UnaryOperator<SessionBuilder> options =
        builder -> builder.optimizer(Optimizer.adamW(0.01)).clipNorm(0.5);
    Result alone =
        train(
            options.apply(TrainingSession.builder(SmallTask.model())).batchSize(size * batch),
            TASK.data,
            11);
    List<Result> results =
        together(
            Collective.local(size, PATIENCE),
            worker ->
                train(
                    options
                        .apply(TrainingSession.builder(SmallTask.model()))
                        .batchSize(batch)
                        .microBatch(microBatch)
                        .collective(worker),
                    part(worker, batch),
                    11));
    for (Result result : results) {
      assertArrayEquals(results.get(0).weights, result.weights);
      assertEquals(results.get(0).losses, result.losses);
      assertArrayEquals(alone.weights, result.weights, 2e-5f);
      assertArrayEquals(alone.last, result.last, 2e-5f);
      for (int i = 0; i < 11; i++) {
        assertEquals(alone.losses.get(i), result.losses.get(i), 1e-5);
        assertEquals(alone.norms.get(i), result.norms.get(i), 1e-5);
      }
    }
  }

  @Test
  void aRunRepeatsBitForBit() {
    List<List<Result>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      runs.add(
          together(
              Collective.local(3, PATIENCE),
              worker ->
                  train(
                      TrainingSession.builder(SmallTask.model()).batchSize(8).collective(worker),
                      part(worker, 8),
                      10)));
    }
    assertArrayEquals(runs.get(0).get(2).weights, runs.get(1).get(0).weights);
  }

  @Test
  void theFirstWeightsAreThoseOfWorker0() {
    List<Result> results =
        together(
            Collective.local(2, PATIENCE),
            worker ->
                train(
                    TrainingSession.builder(SmallTask.model().initialize(worker.rank()))
                        .optimizer(Optimizer.sgd(0))
                        .storage(DType.BF16)
                        .batchSize(5)
                        .collective(worker),
                    part(worker, 5),
                    3));
    float[] first = SmallTask.model().initialize(0).weights();
    assertArrayEquals(first, results.get(0).weights);
    assertArrayEquals(first, results.get(1).weights);
    assertEquals(results.get(0).losses, results.get(1).losses);
  }

  @Test
  void workersDrawMasksOfTheirOwn() {
    Model model =
        Model.of(
            Shape.of(SmallTask.FEATURES),
            Sequential.of(new Dropout(0.5), new Linear(SmallTask.CLASSES)));
    float[] weights = model.initialize(3).weights();
    // Both have the same samples: with equal masks the sum would be twice that of one worker alone.
    List<Result> both =
        together(
            Collective.local(2, PATIENCE),
            worker ->
                train(
                    TrainingSession.builder(copy(model, weights)).batchSize(6).collective(worker),
                    TASK.data.slice(0, 6),
                    1));
    Result alone =
        train(TrainingSession.builder(copy(model, weights)).batchSize(6), TASK.data.slice(0, 6), 1);
    assertTrue(Math.abs(alone.losses.get(0) - both.get(0).losses.get(0)) > 1e-3);
  }

  private static Model copy(Model model, float[] weights) {
    Model copy =
        Model.of(
                Shape.of(SmallTask.FEATURES),
                Sequential.of(new Dropout(0.5), new Linear(SmallTask.CLASSES)))
            .initialize(0);
    copy.weights(weights);
    assertEquals(model.toString(), copy.toString());
    return copy;
  }

  @Test
  void aStepThatIsNotFiniteOnOneWorkerIsSkippedByAll() {
    SmallTask task = new SmallTask(10);
    float[] x = task.x.clone();
    Arrays.fill(x, 0, SmallTask.FEATURES, 3e38f); // overflows, on worker 0 only
    List<Long> updates =
        together(
            Collective.local(2, PATIENCE),
            worker -> {
              try (TrainingSession session =
                  TrainingSession.builder(SmallTask.model())
                      .device(TestDevice.ID)
                      .batchSize(10)
                      .clipNorm(1)
                      .lossScaling(LossScaling.DEFAULT)
                      .collective(worker)
                      .open()) {
                session.step(worker.rank() == 0 ? x : task.x, task.y);
                session.step(task.x, task.y);
                assertFalse(session.lastStep().skipped());
                return session.state().updates();
              }
            });
    assertEquals(List.of(1L, 1L), updates);
  }

  @Test
  void sumsAreMadeInTheOrderOfRanks() {
    float[] terms = {1e8f, 1, -1e8f}; // (1e8 + 1) - 1e8 is 0 in FP32, in any other order it is not
    List<float[]> sums =
        together(
            Collective.local(3, PATIENCE),
            worker -> {
              try (Device device = TestDevice.open();
                  Tensor values = device.tensor(Shape.of(5), fives(terms[worker.rank()]))) {
                worker.allReduceSum(values);
                return values.toFloats();
              }
            });
    for (float[] sum : sums) {
      assertArrayEquals(fives(terms[0] + terms[1] + terms[2]), sum);
    }
    double[] numbers = {1e16, 1, -1e16};
    for (double[] sum :
        together(
            Collective.local(3, PATIENCE),
            worker -> {
              double[] mine = {numbers[worker.rank()], worker.rank()};
              worker.allReduceSum(mine);
              return mine;
            })) {
      assertArrayEquals(new double[] {1e16 + 1 - 1e16, 3}, sum);
    }
  }

  private static float[] fives(float value) {
    return new float[] {value, value, value, value, value};
  }

  @Test
  void aWorkerThatDoesNotComeIsNamed() {
    List<Collective> workers = Collective.local(3, Duration.ofMillis(200));
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> workers.get(1).allReduceSum(new double[1]));
    assertTrue(e.getMessage().contains("workers [0, 2] of 3 have not come"), e.getMessage());
    // A worker that comes too late fails as well, without waiting.
    assertThrows(IllegalStateException.class, () -> workers.get(0).allReduceSum(new double[1]));
  }

  @Test
  void differentModelsAreRefusedByAll() {
    List<Collective> workers = Collective.local(2, PATIENCE);
    List<String> messages =
        together(
            workers,
            worker ->
                assertThrows(
                        IllegalStateException.class,
                        () -> worker.allReduceSum(new double[2 + worker.rank()]))
                    .getMessage());
    assertTrue(messages.get(0).contains("worker 1 brings 3"), messages.get(0));
    assertTrue(messages.get(1).contains("worker 0 brings 2"), messages.get(1));
  }

  @Test
  void anInterruptedWorkerFreesTheOthers() {
    List<Collective> workers = Collective.local(3, PATIENCE);
    Thread[] waiting = new Thread[1];
    CompletableFuture<Throwable> interrupted =
        CompletableFuture.supplyAsync(
            () -> {
              waiting[0] = Thread.currentThread();
              return assertThrows(
                  RuntimeException.class, () -> workers.get(0).allReduceSum(new double[1]));
            },
            threads);
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(() -> workers.get(1).allReduceSum(new double[1]), threads);
    while (waiting[0] == null || waiting[0].getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    waiting[0].interrupt();
    assertInstanceOf(CancellationException.class, interrupted.join());
    CompletionException e = assertThrows(CompletionException.class, other::join);
    assertTrue(e.getCause().getMessage().contains("worker 0 was interrupted"), e.toString());
  }

  @Test
  void impossibleCollectivesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Collective.local(0, PATIENCE));
    assertThrows(IllegalArgumentException.class, () -> Collective.local(2, Duration.ZERO));
    assertThrows(
        IllegalArgumentException.class,
        () -> {
          try (Device device = TestDevice.open();
              Tensor values = device.zeros(DType.F32, Shape.of(1))) {
            Collective.local(1, PATIENCE).get(0).broadcast(values, 1);
          }
        });
  }
}
