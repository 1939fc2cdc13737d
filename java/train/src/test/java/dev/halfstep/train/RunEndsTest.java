package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.data.Values;
import dev.halfstep.files.Safetensors;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.study.BatchSizeStudy;
import dev.halfstep.study.LearningRateFinder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever ends a run, the model has the weights of its best epoch. */
final class RunEndsTest {
  private static final Split DATA = RandomData.learnable(100, 50, 12, 3);

  @TempDir Path folder;

  @AfterEach
  void clearInterruption() {
    Thread.interrupted();
  }

  private static Model model() {
    return Model.of(
            DATA.train().sampleShape(), Sequential.of(new Linear(9), new ReLU(), new Linear(2)))
        .initialize(2);
  }

  /** A trainer with ten steps per epoch. */
  private static TrainerBuilder trainer(Model model) {
    return Trainer.builder(model, DATA.train())
        .session(session -> session.device(TestDevice.ID))
        .validation(DATA.heldOut())
        .optimizer(Optimizer.sgd(0.1).withMomentum(0.9))
        .batchSize(10)
        .syncEvery(5)
        .epochs(6)
        .seed(4);
  }

  /** The weights of the best of {@code epochs} epochs. */
  private static float[] bestOf(int epochs) {
    Model model = model();
    trainer(model).epochs(epochs).fit();
    return model.weights();
  }

  private static Callback after(int steps, Runnable then) {
    return new Callback() {
      @Override
      public void stepsEnd(Fit fit, StepBlock block) {
        if (fit.steps() == steps) {
          then.run();
        }
      }
    };
  }

  @Test
  void anInterruptedRunEndsAfterItsBlockWithTheBestWeights() {
    Model model = model();
    Callback interrupt = after(25, () -> Thread.currentThread().interrupt());
    History history = trainer(model).test(DATA.heldOut()).callbacks(interrupt).fit();
    assertTrue(Thread.interrupted(), "the flag is kept");
    assertEquals(StopReason.Kind.INTERRUPTED, history.stopReason().kind());
    assertEquals("interrupted", history.stopReason().text());
    assertEquals(25, history.stepLosses().length);
    assertEquals(2, history.epochs().size());
    assertTrue(history.test().isEmpty());
    assertArrayEquals(bestOf(2), model.weights());
  }

  @Test
  void anInterruptionDuringValidationEndsTheRunToo() {
    Model model = model();
    Callback interrupt = after(20, () -> Thread.currentThread().interrupt());
    History history =
        trainer(model).average(WeightAverage.exponential(0.9)).callbacks(interrupt).fit();
    assertTrue(Thread.interrupted());
    assertEquals(StopReason.Kind.INTERRUPTED, history.stopReason().kind());
    assertEquals(1, history.epochs().size());
    assertEquals(1, history.bestEpoch());
  }

  @Test
  void aCheckpointIsWrittenWholeThoughTheThreadIsInterrupted() throws IOException {
    Model model = model();
    boolean[] interrupted = {false};
    Schedule interrupting =
        progress -> {
          if (progress.update() == 14 && !interrupted[0]) {
            interrupted[0] = true;
            Thread.currentThread().interrupt(); // after the flag's check, before the checkpoint
          }
          return 1;
        };
    History history =
        trainer(model).schedule(interrupting).checkpoints(Checkpoints.in(folder, 5)).fit();
    assertTrue(Thread.interrupted());
    assertEquals(StopReason.Kind.INTERRUPTED, history.stopReason().kind());
    assertEquals(15, history.stepLosses().length);
    assertArrayEquals(bestOf(1), model.weights());
    Safetensors.Contents newest = Checkpoints.newest(folder);
    assertTrue(newest.file().toString().contains("-15."), newest.file().toString());
    Model resumed = model();
    trainer(resumed).resume(newest).fit();
    assertArrayEquals(bestOf(6), resumed.weights());
  }

  @Test
  void interruptionsThatRainOnARunBreakNoFile() throws Exception {
    Model model = model();
    Thread[] runner = new Thread[1];
    CountDownLatch begun = new CountDownLatch(1);
    ExecutorService one = Executors.newSingleThreadExecutor();
    try {
      var result =
          one.submit(
              () -> {
                runner[0] = Thread.currentThread();
                Callback deaf =
                    new Callback() {
                      @Override
                      public void stepsEnd(Fit fit, StepBlock block) {
                        begun.countDown();
                        Thread.interrupted(); // so that the run continues to the next save
                      }
                    };
                return trainer(model)
                    .epochs(20)
                    .checkpoints(Checkpoints.in(folder, 1))
                    .callbacks(deaf)
                    .fit();
              });
      assertTrue(begun.await(60, TimeUnit.SECONDS));
      while (!result.isDone()) {
        runner[0].interrupt();
        Thread.sleep(1);
      }
      StopReason.Kind kind = result.get().stopReason().kind();
      assertTrue(kind == StopReason.Kind.INTERRUPTED || kind == StopReason.Kind.COMPLETED);
    } finally {
      one.shutdownNow();
    }
    Checkpoints.newest(folder);
  }

  @Test
  void otherLongWorkHearsAnInterruptionToo() {
    Thread.currentThread().interrupt();
    assertThrows(
        CancellationException.class,
        () -> LearningRateFinder.DEFAULT.find(trainer(model()).sessionOptions(), DATA.train()));
    assertThrows(
        CancellationException.class,
        () -> BatchSizeStudy.ofEpochs(1, 10).run(seed -> trainer(model())));
    try (TrainingSession session = trainer(model()).sessionOptions().open()) {
      assertThrows(CancellationException.class, () -> session.evaluate(DATA.heldOut()));
      assertThrows(CancellationException.class, () -> session.confusion(DATA.heldOut()));
      assertTrue(Thread.interrupted(), "the flag is kept");
      assertEquals(50, session.evaluate(DATA.heldOut()).rows());
    }
  }

  private <T extends Throwable> T ended(Class<T> expected, TrainerBuilder trainer, int epochs) {
    Model model = trainer.sessionOptions().model();
    T failure = assertThrows(expected, trainer::fit);
    assertArrayEquals(bestOf(epochs), model.weights());
    return failure;
  }

  @Test
  void anExceptionOfACallbackLeavesTheBestWeights() {
    IllegalStateException mine = new IllegalStateException("mine");
    Callback throwing =
        after(
            35,
            () -> {
              throw mine;
            });
    assertSame(mine, ended(IllegalStateException.class, trainer(model()).callbacks(throwing), 3));
    AssertionError error = new AssertionError("an error");
    Callback atTheEnd =
        new Callback() {
          @Override
          public void epochEnd(Fit fit, EpochRecord epoch) {
            if (epoch.epoch() == 2) {
              throw error;
            }
          }
        };
    assertSame(error, ended(AssertionError.class, trainer(model()).callbacks(atTheEnd), 2));
  }

  @Test
  void checkpointsThatCannotBeWrittenAreRefusedBeforeAnUpdate() throws IOException {
    Path file = Files.createFile(folder.resolve("a file"));
    Checkpoints impossible = Checkpoints.in(file.resolve("x"), 25);
    Model model = model();
    float[] before = model.weights();
    assertThrows(UncheckedIOException.class, trainer(model).checkpoints(impossible)::fit);
    assertArrayEquals(before, model.weights());
  }

  @Test
  void aScheduleThatFailsLeavesTheBestWeights() {
    Schedule failing = progress -> progress.update() < 40 ? 1 : Double.NaN;
    ended(IllegalStateException.class, trainer(model()).schedule(failing), 4);
  }

  @Test
  void anExceptionInTheFirstEpochLeavesTheLastWeights() {
    Model model = model();
    Callback throwing =
        after(
            10,
            () -> {
              throw new IllegalStateException("early");
            });
    TrainerBuilder trainer = trainer(model).callbacks(throwing);
    assertThrows(IllegalStateException.class, trainer::fit);
    Model ten = model();
    trainer(ten).budget(Budget.ofUpdates(10)).fit();
    assertArrayEquals(ten.weights(), model.weights());
    assertFalse(Arrays.equals(model().weights(), model.weights()));
  }

  @Test
  void aPlateauOfANegativeValueLeavesTheBestWeights() {
    // With a target of 2 the binary cross-entropy falls below 0.
    int samples = DATA.train().size();
    float[] twos = new float[samples];
    Arrays.fill(twos, 2);
    Dataset data =
        ArrayDataset.of(
            "twos", ArrayDataset.copyOf(DATA.train()).features(), Values.of(twos, Shape.of(1)));
    Model model = Model.of(data.sampleShape(), Sequential.of(new Linear(1))).initialize(1);
    TrainerBuilder trainer =
        Trainer.builder(model, data)
            .session(session -> session.device(TestDevice.ID))
            .loss(Loss.binaryCrossEntropy())
            .optimizer(Optimizer.adam(0.3))
            .batchSize(10)
            .epochs(20)
            .plateau(Plateau.of(Metric.TRAIN_LOSS, 0.5, 2));
    int[] epochs = {0};
    Callback count =
        new Callback() {
          @Override
          public void epochBegin(Fit fit) {
            epochs[0] = fit.epoch();
          }
        };
    assertThrows(IllegalArgumentException.class, trainer.callbacks(count)::fit);
    Model expected = Model.of(data.sampleShape(), Sequential.of(new Linear(1))).initialize(1);
    Trainer.builder(expected, data)
        .session(session -> session.device(TestDevice.ID))
        .loss(Loss.binaryCrossEntropy())
        .optimizer(Optimizer.adam(0.3))
        .batchSize(10)
        .epochs(epochs[0])
        .fit();
    assertArrayEquals(expected.weights(), model.weights());
  }
}
